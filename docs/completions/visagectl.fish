# Completion of visagectl for fish.
# COMMAND [PLACE [WORD]]: whether this is argument PLACE of the command, options left out, after WORD.
function __visagectl_place
    set -l words (commandline -opc | string match -v -- '-*')
    test "$words[2]" = $argv[1]; or return 1
    test (count $argv) = 1; or test (count $words) = $argv[2]; or return 1
    test (count $argv) -lt 3; or test "$words[3]" = $argv[3]
end
function __visagectl_models
    for file in /usr/share/visaged/*.safetensors /usr/local/share/visaged/*.safetensors
        basename $file .safetensors
    end
end

complete -c visagectl -f
complete -c visagectl -l help -d 'Print help'
complete -c visagectl -n __fish_use_subcommand -l version -d 'Print the version'

complete -c visagectl -n __fish_use_subcommand -a status -d 'What the daemon is doing'
complete -c visagectl -n __fish_use_subcommand -a start -d 'Open camera, model and GPU'
complete -c visagectl -n __fish_use_subcommand -a stop -d 'Close camera, model and GPU'
complete -c visagectl -n __fish_use_subcommand -a pause -d 'Close the camera until resume'
complete -c visagectl -n __fish_use_subcommand -a resume -d 'End a pause'
complete -c visagectl -n __fish_use_subcommand -a effect -d 'Choose what is shown, or list the effects'
complete -c visagectl -n __fish_use_subcommand -a set -d 'Choose the camera, the model, the GPU or the mode'
complete -c visagectl -n __fish_use_subcommand -a reload -d 'Read the configuration again'
complete -c visagectl -n __fish_use_subcommand -a hold -d 'Keep the camera open, while a command runs'
complete -c visagectl -n __fish_use_subcommand -a models -d 'List the models'
complete -c visagectl -n __fish_use_subcommand -a snapshot -d 'Write what the virtual camera shows'
complete -c visagectl -n __fish_use_subcommand -a monitor -d 'Print a line for every frame parsed'
complete -c visagectl -n __fish_use_subcommand -a metrics -d 'Print OpenMetrics text'
complete -c visagectl -n __fish_use_subcommand -a doctor -d 'Check what commonly goes wrong'
complete -c visagectl -n __fish_use_subcommand -a parse -d 'Label the faces in pictures'
complete -c visagectl -n __fish_use_subcommand -a eval -d 'Measure a model on labelled pictures'
complete -c visagectl -n __fish_use_subcommand -a gpus -d 'List the GPUs of this machine'
complete -c visagectl -n __fish_use_subcommand -a cameras -d 'List the cameras of this machine'
complete -c visagectl -n __fish_use_subcommand -a help -d 'Tell more of a command'

complete -c visagectl -n '__fish_seen_subcommand_from status effect models monitor doctor parse eval gpus cameras' -l json -d 'As JSON'
complete -c visagectl -n '__fish_seen_subcommand_from status' -l watch -d 'Again every second'
set -l on_the_bus status start stop pause resume effect set reload snapshot monitor hold metrics doctor models
complete -c visagectl -n "__fish_seen_subcommand_from $on_the_bus" -l user -d 'The visaged of this session'
complete -c visagectl -n "__fish_seen_subcommand_from $on_the_bus" -l system -d 'The visaged of this machine'
complete -c visagectl -n '__fish_seen_subcommand_from snapshot' -s o -l output -rF -d 'The picture'
complete -c visagectl -n '__fish_seen_subcommand_from hold' -l why -x -d 'What status then shows'
complete -c visagectl -n '__visagectl_place effect 2' -a 'overlay labels blur none'
complete -c visagectl -n '__visagectl_place effect 3 overlay' -a 'opacity='
complete -c visagectl -n '__visagectl_place effect 3 blur' -a 'strength='
complete -c visagectl -n '__visagectl_place hold' -xa '(__fish_complete_subcommand --fcs-skip=2)'
complete -c visagectl -n '__visagectl_place set 2' -a 'camera model gpu mode'
complete -c visagectl -n '__visagectl_place set 3 model' -a '(__visagectl_models)'
complete -c visagectl -n '__visagectl_place set 3 mode' -a 'smooth exact'
complete -c visagectl -n '__visagectl_place set 3 camera' -a '(command ls /dev/v4l/by-id 2>/dev/null)'

complete -c visagectl -n '__fish_seen_subcommand_from parse eval' -l model -rF -d 'Model file'
complete -c visagectl -n '__fish_seen_subcommand_from parse eval' -l gpu -x -d 'Part of a name, number or node'
complete -c visagectl -n '__fish_seen_subcommand_from parse eval' -l fp32 -d 'Store 32 bits'
complete -c visagectl -n '__fish_seen_subcommand_from parse eval' -l fp16 -d 'Store 16 bits'
complete -c visagectl -n '__fish_seen_subcommand_from parse' -s o -l output -xa '(__fish_complete_directories)' -d 'Where the results go'
complete -c visagectl -n '__fish_seen_subcommand_from parse' -l logits -rF -d 'Write the output'
complete -c visagectl -n '__fish_seen_subcommand_from parse' -l backend -xa 'subgroup tiled' -d 'Compute with'
complete -c visagectl -n '__fish_seen_subcommand_from parse' -a '(__fish_complete_suffix .png; __fish_complete_suffix .jpg)'
complete -c visagectl -n '__fish_seen_subcommand_from eval' -l images -xa '(__fish_complete_directories)' -d 'The pictures'
complete -c visagectl -n '__fish_seen_subcommand_from eval' -l labels -xa '(__fish_complete_directories)' -d 'The truth'
complete -c visagectl -n '__fish_seen_subcommand_from eval' -l classes -xa '11 19 20' -d 'Of the truth'
complete -c visagectl -n '__fish_seen_subcommand_from eval' -l confusion -d 'Print the matrix'
