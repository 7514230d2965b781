"""The effects of a webcam on a scene: light, white balance, blur, noise, compression, black bars."""
import io

import numpy as np
from PIL import Image, ImageFilter


def film(rng, rgb):
    """uint8 size x size x 3 from float."""
    rgb = rgb.clip(0, 255) / 255
    grey = rgb.mean(2, keepdims=True)
    rgb = grey + (rgb - grey) * (rng.uniform(0, 1.4) if rng.random() < 0.5 else 1)
    gain = np.exp(rng.normal(0, 0.22) + rng.normal(0, 0.1, 3)).astype(np.float32)
    if rng.random() < 0.25:
        ramp = np.linspace(*rng.uniform(0.5, 1.3, 2), rgb.shape[0], dtype=np.float32)
        rgb = rgb * (ramp[:, None, None] if rng.random() < 0.3 else ramp[None, :, None])
    rgb = (rgb.clip(1e-4, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))) * gain + np.float32(rng.normal(0, 0.03))
    if rng.random() < 0.5:
        rgb = rgb + rng.standard_normal(rgb.shape, np.float32) * np.float32(rng.exponential(0.025))
    picture = Image.fromarray((rgb.clip(0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.BoxBlur(rng.exponential(0.6)))
    if rng.random() < 0.3:
        small = tuple(max(24, int(length / rng.uniform(1, 4))) for length in picture.size)
        picture = picture.resize(small, Image.BOX).resize(picture.size, Image.BILINEAR)
    if rng.random() < 0.5:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=int(rng.integers(25, 90)))
        picture = Image.open(stream)
    return np.asarray(picture)


def letterbox(rng, rgb, labels):
    """Black bars on two sides, as when a camera's frame is padded to a square for the network."""
    bar = int(len(rgb) * (0.125 if rng.random() < 0.5 else rng.uniform(0.02, 0.22)))
    upright = rng.random() < 0.15
    rgb, labels = rgb.copy(), labels.copy()
    for side in (slice(0, bar), slice(len(rgb) - bar, None)):
        where = (slice(None), side) if upright else side
        rgb[where] = 0
        labels[where] = 0
    return rgb, labels
