/* What the rest of bus/ sees of the supervisor and of callers. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/private.h"
#include "daemon/common/text.h"

struct control_view bus_ask(const struct bus *bus)
{
        struct control_view view;

        bus->control->look(bus->supervisor, &view);
        return view;
}

void bus_look(const struct bus *bus, struct bus_view *ret)
{
        const struct control_view view = bus_ask(bus);

        memset(ret, 0, sizeof *ret); /* it is compared as bytes */
        snprintf(ret->state, sizeof ret->state, "%s", state_names[view.state]);
        snprintf(ret->reason, sizeof ret->reason, "%s", view.reason);
        text_utf8(view.config->camera, ret->camera, sizeof ret->camera);
        text_utf8(view.gpu ? view.gpu : "", ret->gpu, sizeof ret->gpu);
        text_utf8(view.model ? view.model : "", ret->model, sizeof ret->model);
        effect_chain_format(view.config->effect.chain, ret->effect);
        for (unsigned i = 0; i < EFFECTS; i++)
                if (view.config->effect.chain & UINT32_C(1) << i)
                        memcpy(ret->effect_options[i], view.config->effect.options[i], sizeof ret->effect_options[i]);
        ret->mode = view.config->mode;
        ret->readers = view.readers;
}

bool bus_is_session(const struct bus *bus)
{
        const char *scope;

        return sd_bus_get_scope(bus->connection, &scope) >= 0 && strcmp(scope, "user") == 0;
}

bool bus_is_trusted(const struct bus *bus, uid_t uid)
{
        return bus_is_session(bus) || uid == 0 || uid == geteuid();
}

bool bus_has_room(const struct bus *bus, uid_t uid, unsigned own, unsigned all, unsigned share)
{
        if (uid == 0)
                return true;
        return all < ALL_MAX / share && (own < USER_MAX / share || bus_is_session(bus));
}
