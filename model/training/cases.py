#!/usr/bin/python3
"""Draw a picture for a model's card: one portrait in easy and hard cases, with the model's labels.

    cases.py MODEL.safetensors PORTRAIT --crop LEFT TOP RIGHT BOTTOM --out CASES.png
"""
import argparse
import json

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageEnhance, ImageFilter

import reference
from safetensors import read

WIDTH, HEIGHT = 320, 240
CAPTION = 16
COLUMNS = 3


def frame(portrait, part=1.0, angle=0, at=(0.5, 0.5)):
    """A camera's frame with the portrait on grey, `part` of its height."""
    side = round(HEIGHT * part)
    small = portrait.resize((side, side), Image.LANCZOS).convert("RGBA").rotate(angle, Image.BICUBIC, expand=True)
    canvas = Image.new("RGB", (WIDTH, HEIGHT), (112, 116, 120))
    canvas.paste(small, (round(at[0] * WIDTH - small.width / 2), round(at[1] * HEIGHT - small.height / 2)), small)
    return canvas


def noisy(picture):
    values = np.asarray(picture, np.float32) + np.random.default_rng(0).normal(0, 30, (HEIGHT, WIDTH, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def covered(picture):
    """The lower half of the face behind a plain mask."""
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle((125, 100, 185, 150), fill=(70, 110, 160))
    return picture


CASES = {
    "as high as the frame": lambda p: frame(p),
    "at 0.55 of the height": lambda p: frame(p, 0.55),
    "at 0.45 of the height": lambda p: frame(p, 0.45, at=(0.3, 0.6)),
    "tilted by 30 degrees": lambda p: frame(p, 0.9, 30),
    "tilted by 60 degrees": lambda p: frame(p, 0.9, 60),
    "upside down": lambda p: frame(p, 0.9, 180),
    "dark": lambda p: ImageEnhance.Brightness(frame(p)).enhance(0.2),
    "noise": lambda p: noisy(frame(p)),
    "out of focus": lambda p: frame(p).filter(ImageFilter.GaussianBlur(4)),
    "grey": lambda p: frame(p).convert("L").convert("RGB"),
    "half out of the frame": lambda p: frame(p, at=(0.05, 0.5)),
    "behind a mask": lambda p: covered(frame(p)),
}


def main():
    parser = argparse.ArgumentParser(description="One portrait in easy and hard cases.")
    parser.add_argument("model")
    parser.add_argument("portrait")
    parser.add_argument("--crop", type=int, nargs=4, metavar=("LEFT", "TOP", "RIGHT", "BOTTOM"), required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    model, meta = reference.load(args.model)
    colors = [ImageColor.getrgb(entry["color"]) for entry in json.loads(read(args.model)[1]["classes"])]
    colors = np.array(colors, np.uint8)
    portrait = Image.open(args.portrait).convert("RGB").crop(args.crop)
    rows = -(-len(CASES) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * 2 * WIDTH, rows * (HEIGHT + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (name, make) in enumerate(CASES.items()):
        picture = make(portrait)
        labels = reference.parse(model, meta, np.asarray(picture))
        x, y = i % COLUMNS * 2 * WIDTH, i // COLUMNS * (HEIGHT + CAPTION)
        draw.text((x + 4, y + 2), name, fill="black")
        sheet.paste(picture, (x, y + CAPTION))
        sheet.paste(Image.fromarray(colors[labels]), (x + WIDTH, y + CAPTION))
    sheet.quantize(256).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
