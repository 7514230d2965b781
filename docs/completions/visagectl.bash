# Completion of visagectl for bash: a row per command in `options`, a case per kind of value.
_visagectl_models()
{
        basename -a -s .safetensors /usr/share/visaged/*.safetensors /usr/local/share/visaged/*.safetensors | grep -vFx '*'
}

_visagectl()
{
        local cur prev words cword command bus='--user --system' i place=0
        declare -A options=(
                [status]="--watch --json $bus" [start]=$bus [stop]=$bus [pause]=$bus [resume]=$bus [reload]=$bus
                [effect]="--json $bus" [set]=$bus [models]="--json $bus" [snapshot]="-o --output= $bus" [monitor]="--json $bus"
                [hold]="--why= $bus" [metrics]=$bus [doctor]="--json $bus" [cameras]='--json' [gpus]='--json'
                [parse]='-o --output= --json --logits= --backend= --model= --gpu= --fp32 --fp16'
                [eval]='--images= --labels= --classes= --confusion --json --model= --gpu= --fp32 --fp16'
        )
        _init_completion -n = || return
        command=${words[1]}

        if [ "$cword" = 1 ]; then
                mapfile -t COMPREPLY < <(compgen -W "${!options[*]} help --help --version" -- "$cur")
                return
        fi
        if [ "$cword" = 2 ] && [ "$command" = help ]; then
                mapfile -t COMPREPLY < <(compgen -W "${!options[*]}" -- "$cur")
                return
        fi
        # Which argument this is: options do not count.
        for ((i = 1; i <= cword; i++)); do
                [[ $i -lt $cword && ${words[i]} == -* ]] || place=$((place + 1))
        done
        if [ "$command" = hold ] && [ "$place" -gt 1 ] && { [ "$place" -gt 2 ] || [[ $cur != -* ]]; }; then
                for ((i = 2; i < cword; i++)); do
                        [[ ${words[i]} == -* ]] || break
                done
                _command_offset "$i"
                return
        fi
        case $cur in
        --backend=*) mapfile -t COMPREPLY < <(compgen -W 'subgroup tiled' -- "${cur#*=}") ;;
        --classes=*) mapfile -t COMPREPLY < <(compgen -W '11 19 20' -- "${cur#*=}") ;;
        --output=*) cur=${cur#*=} && if [ "$command" = snapshot ]; then _filedir png; else _filedir -d; fi ;;
        --images=* | --labels=*) cur=${cur#*=} && _filedir -d ;;
        --model=*) cur=${cur#*=} && _filedir safetensors ;;
        --logits=*) cur=${cur#*=} && _filedir npy ;;
        -*)
                mapfile -t COMPREPLY < <(compgen -W "${options[$command]} --help" -- "$cur")
                [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
                ;;
        *)
                case $command:$place:$prev in
                set:2:*) mapfile -t COMPREPLY < <(compgen -W 'camera model gpu mode' -- "$cur") ;;
                effect:2:*) mapfile -t COMPREPLY < <(compgen -W 'overlay labels blur none' -- "$cur") ;;
                effect:3:overlay) mapfile -t COMPREPLY < <(compgen -W opacity= -- "$cur") && compopt -o nospace ;;
                effect:3:blur) mapfile -t COMPREPLY < <(compgen -W strength= -- "$cur") && compopt -o nospace ;;
                set:3:mode) mapfile -t COMPREPLY < <(compgen -W 'smooth exact' -- "$cur") ;;
                set:3:model) mapfile -t COMPREPLY < <(compgen -W "$(_visagectl_models)" -- "$cur") ;;
                set:3:camera) mapfile -t COMPREPLY < <(compgen -W "$(cd /dev/v4l/by-id 2>/dev/null && echo *)" -- "$cur") ;;
                parse:*:-o) _filedir -d ;;
                parse:*) _filedir '@(png|jpg|jpeg|PNG|JPG|JPEG)' ;;
                snapshot:*:-o) _filedir png ;;
                esac
                ;;
        esac
}
complete -F _visagectl visagectl
