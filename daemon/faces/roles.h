/* What a model's classes are to a face. */
#pragma once

#include <stdint.h>

enum role {
        ROLE_NONE, /* background, clothes and all that is not of a head */
        ROLE_SKIN,
        ROLE_LEFT_BROW,
        ROLE_RIGHT_BROW,
        ROLE_LEFT_EYE,
        ROLE_RIGHT_EYE,
        ROLE_GLASSES,
        ROLE_NOSE,
        ROLE_LIPS,
        ROLE_MOUTH, /* what is between the lips */
        ROLE_FACE,  /* all before this one are parts of a face; those behind belong to the head around it */
        ROLE_EAR = ROLE_FACE,
        ROLE_HAIR,
        ROLE_HAT,
        ROLE_NECK,
        ROLES
};

enum role role_of(const char *class_name);
