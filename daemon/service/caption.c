#include <errno.h>
#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include <stdlib.h>
#include <string.h>

#include FT_FREETYPE_H

#include "daemon/common/cleanup.h"
#include "daemon/service/caption.h"

struct caption {
        FT_Library library;
        FT_Face face;
};

struct canvas {
        uint8_t *rgba;
        uint32_t width, height;
        const uint8_t *colour;
};

/* The file of the machine's sans-serif font; free().  NULL: it has none. */
static char *find_font(void)
{
        FcPattern *wish, *font;
        FcResult result;
        FcChar8 *file;
        char *path = NULL;

        if (!FcInit())
                return NULL;
        wish = FcNameParse((const FcChar8 *)"sans-serif:scalable=true");
        if (wish) {
                FcConfigSubstitute(NULL, wish, FcMatchPattern);
                FcDefaultSubstitute(wish);
                font = FcFontMatch(NULL, wish, &result);
                if (font && FcPatternGetString(font, FC_FILE, 0, &file) == FcResultMatch)
                        path = strdup((char *)file);
                if (font)
                        FcPatternDestroy(font);
                FcPatternDestroy(wish);
        }
        FcFini();
        return path;
}

int caption_new(struct caption **ret)
{
        _cleanup_(freep) char *path = find_font();
        struct caption *caption;

        if (!path)
                return -ENOENT;
        caption = calloc(1, sizeof *caption);
        if (!caption)
                return -ENOMEM;
        if (FT_Init_FreeType(&caption->library) || FT_New_Face(caption->library, path, 0, &caption->face)) {
                caption_free(caption);
                return -EIO;
        }
        *ret = caption;
        return 0;
}

void caption_free(struct caption *caption)
{
        if (!caption)
                return;
        if (caption->face)
                FT_Done_Face(caption->face);
        if (caption->library)
                FT_Done_FreeType(caption->library);
        free(caption);
}

static uint32_t line_width(struct caption *caption, const char *text)
{
        uint32_t width = 0;

        for (const char *c = text; *c; c++)
                if (FT_Load_Char(caption->face, (unsigned char)*c, FT_LOAD_DEFAULT) == 0)
                        width += caption->face->glyph->advance.x >> 6;
        return width;
}

static void blend(const struct canvas *canvas, int64_t x, int64_t y, unsigned alpha)
{
        if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height)
                return;
        uint8_t *pixel = canvas->rgba + ((size_t)y * canvas->width + x) * 4;
        for (int c = 0; c < 3; c++)
                pixel[c] = (pixel[c] * (255 - alpha) + canvas->colour[c] * alpha + 127) / 255;
}

/* The glyph's pixels with their origin at (x, y), the baseline. */
static void draw_glyph(const struct canvas *canvas, const FT_GlyphSlot glyph, int64_t x, int64_t y)
{
        const FT_Bitmap *bitmap = &glyph->bitmap;

        for (unsigned row = 0; row < bitmap->rows; row++)
                for (unsigned column = 0; column < bitmap->width; column++)
                        blend(canvas, x + glyph->bitmap_left + column, y - glyph->bitmap_top + row,
                              bitmap->buffer[(ptrdiff_t)row * bitmap->pitch + column]);
}

void caption_draw(struct caption *caption, const char *text, uint32_t row, uint32_t height, const uint8_t colour[3],
                  uint8_t *rgba, uint32_t rgba_width, uint32_t rgba_height)
{
        const struct canvas canvas = {rgba, rgba_width, rgba_height, colour};
        const uint32_t room = rgba_width - rgba_width / 10;
        uint32_t width;

        if (FT_Set_Pixel_Sizes(caption->face, 0, height ? height : 1))
                return;
        width = line_width(caption, text);
        if (width > room) {
                FT_Set_Pixel_Sizes(caption->face, 0, height * room / width > 0 ? height * room / width : 1);
                width = line_width(caption, text);
        }
        int64_t x = ((int64_t)rgba_width - width) / 2;
        for (const char *c = text; *c; c++) {
                if (FT_Load_Char(caption->face, (unsigned char)*c, FT_LOAD_RENDER))
                        continue;
                draw_glyph(&canvas, caption->face->glyph, x, row);
                x += caption->face->glyph->advance.x >> 6;
        }
}
