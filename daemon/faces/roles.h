/* What a model's classes mean for a face. */
#pragma once

#include <stdint.h>

enum role {
        ROLE_NONE, /* background, clothes and whatever else is not part of a head */
        ROLE_SKIN,
        ROLE_LEFT_BROW,
        ROLE_RIGHT_BROW,
        ROLE_LEFT_EYE,
        ROLE_RIGHT_EYE,
        ROLE_GLASSES,
        ROLE_NOSE,
        ROLE_LIPS,
        ROLE_MOUTH, /* between the lips */
        ROLE_FACE,  /* all before this one are parts of a face; those after it belong to the head around it */
        ROLE_EAR = ROLE_FACE,
        ROLE_HAIR,
        ROLE_HAT,
        ROLE_NECK,
        ROLES
};

enum role role_of(const char *class_name);
