#include <string.h>

#include "daemon/faces/roles.h"

/* The person's own left and right. */
static const struct {
        const char *name;
        enum role role;
} roles[] = {
        {"skin", ROLE_SKIN},         {"left brow", ROLE_LEFT_BROW}, {"right brow", ROLE_RIGHT_BROW},
        {"left eye", ROLE_LEFT_EYE}, {"right eye", ROLE_RIGHT_EYE}, {"eyeglasses", ROLE_GLASSES},
        {"nose", ROLE_NOSE},         {"upper lip", ROLE_LIPS},      {"lower lip", ROLE_LIPS},
        {"inner mouth", ROLE_MOUTH}, {"mouth", ROLE_MOUTH},         {"left ear", ROLE_EAR},
        {"right ear", ROLE_EAR},     {"earring", ROLE_EAR},         {"hair", ROLE_HAIR},
        {"hat", ROLE_HAT},           {"neck", ROLE_NECK},           {"necklace", ROLE_NECK},
};

enum role role_of(const char *class_name)
{
        for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
                if (strcmp(roles[i].name, class_name) == 0)
                        return roles[i].role;
        return ROLE_NONE;
}
