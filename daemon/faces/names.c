/* What a face's answers are called. */
#include "daemon/faces/faces.h"

const char *const face_question_names[FACE_QUESTIONS] = {
        [FACE_LEFT_EYE_OPEN] = "left_eye_open",
        [FACE_RIGHT_EYE_OPEN] = "right_eye_open",
        [FACE_MOUTH_OPEN] = "mouth_open",
        [FACE_GLASSES] = "glasses",
        [FACE_HAT] = "hat",
        [FACE_TURNED_LEFT] = "turned_left",
        [FACE_TURNED_RIGHT] = "turned_right",
        [FACE_TURNED_UP] = "turned_up",
        [FACE_TURNED_DOWN] = "turned_down",
        [FACE_COVERED] = "covered",
        [FACE_CUT] = "cut",
};
