#!/usr/bin/python3
"""The public face-parsing data sets, read from the folders in which they are distributed.

    datasets.py PATH [--split train|val|test] [--classes 11|19] [--export DIR]

prints a summary with the share of each class, or writes DIR/images and DIR/labels for visagectl eval. PATH is a folder,
or an uncompressed tar of one. The layout is recognised by its files:

    CelebAMask-HQ           CelebA-HQ-img/N.jpg, CelebAMask-HQ-mask-anno/K/NNNNN_part.png,
                            CelebA-HQ-to-CelebA-mapping.txt
    CelebAMask-HQ, merged   train|val|test_img/N.jpg, train|val|test_label/N.png, as its own scripts arrange it
    Helen                   images/NAME.jpg, labels/NAME/NAME_lblNN.png, exemplars.txt, tuning.txt, testing.txt
    LaPa                    train|val|test/images/NAME.jpg, /labels/NAME.png, /landmarks
    split folders           train|val|valid|test/images/NAME.jpg, /labels/NAME.png, as DML-CSR takes any of the three
    lists                   images/, labels/, train|val|valid|test_list.txt, as EAGRNet takes Helen and LaPa
    masks                   images/NAME.jpg, masks/NAME.png (19 classes), perhaps unlabelled/NAME.jpg
    people                  images/NAME.jpg, labels/NAME.png with the classes of PEOPLE: where people are, but no parts of faces
    rooms                   images/NAME.jpg, labels/ empty: no people
    taught                  images/NAME.jpg, codes/NAME.png: 20 classes and partial.py's sets, as teacher.py writes them

Labels are a set's own indices. "Left" and "right" are as the set defines them (the summary says which), except in masks,
where they are the subject's. A set without splits is split by the hash of its pictures' names. The truth is never resized:
a picture of another size but the same shape is scaled to it, as usual for CelebAMask-HQ (1024 to 512).
"""
import argparse
import collections
import hashlib
import io
import os
import posixpath
import re
import sys
import tarfile
from dataclasses import dataclass

import numpy as np
from PIL import Image

import arches
import partial
from partial import IGNORE

SPLITS = ("train", "val", "test")
NAMES = {classes: tuple(labels) for classes, labels in arches.LABELS.items()}
PEOPLE = "people"  # instead of a number of classes
NAMES[PEOPLE] = ("background", "bare skin", "hair", "hat", "eyeglasses", "cloth", "necklace", "earring", "person without hair")
PICTURES = (".jpg", ".jpeg", ".png")

# CelebAMask-HQ's names of its parts, in the order of the labels: if two overlap, the later one is visible.
PARTS = ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip",
         "hair", "hat", "ear_r", "neck_l", "neck", "cloth")
PARTS_FOLDER = 2000  # pictures per folder of parts
CELEBA_VAL, CELEBA_TEST = 162771, 182638  # CelebA's first pictures of these splits
CELEBA_LIST = "CelebA-HQ-to-CelebA-mapping.txt"
HELEN_LISTS = {"train": "exemplars.txt", "val": "tuning.txt", "test": "testing.txt"}
SIDES = ((4, 5), (6, 7), (8, 9))  # left and right, of the 19

# Classes that another set has under a different name, or as one of several (partial.SETS). The 11-class sets label the eyes
# behind glasses, and their background may be a neck or a hat; CelebAMask-HQ's background may be a hand.
BESIDE = ("background", "left ear", "right ear", "hat", "earring", "necklace", "neck", "cloth", "body")
RENAMED = {
    (19, 11): {"mouth": "inner mouth", **dict.fromkeys(BESIDE, "background")},
    (20, 11): {"mouth": "inner mouth", **dict.fromkeys(BESIDE, "background")},
    (20, 19): {"body": "background"},
    (19, 20): {"background": "background or body"},
    (11, 19): {"inner mouth": "mouth", "background": "beside an 11-class face"},
    (11, 20): {"inner mouth": "mouth", "background": "beside an 11-class face"},
}


class Refused(Exception):
    """The reason why a data set cannot be read, in one line."""


# ---- class sets ----

def mapping(source, target):
    """Map from the 256 labels of the `source` label set to the `target` one; codes of partial.py are unchanged."""
    table = np.arange(256, dtype=np.uint8)
    table[:partial.FIRST] = IGNORE
    renamed = RENAMED.get((source, target), {})
    for index, name in enumerate(NAMES[source]):
        name = renamed.get(name, name)
        if name in NAMES[target]:
            table[index] = NAMES[target].index(name)
        elif name in partial.CODES:
            table[index] = partial.CODES[name]
    return table


def sides_right(labels):
    """Correct a truth with swapped sides: the subject's left is on the right of an upright portrait."""
    for left, right in SIDES:
        x = [np.nonzero(labels == side)[1] for side in (left, right)]
        if len(x[0]) and len(x[1]) and x[0].mean() < x[1].mean():
            labels = np.select([labels == left, labels == right], [right, left], labels).astype(np.uint8)
    return labels


def held_out(name):
    """Whether a picture of a set without splits is for validation: one in ten, chosen by name and thus permanently. A number
    after a person's name (Ada_Lovelace_0002) is ignored, so that nobody is in both splits."""
    return hashlib.md5(re.sub(r"(?<=[A-Za-z])_\d+$", "", name).encode()).digest()[0] % 10 == 0


# ---- files ----

class Folder:
    """The files of a folder, by paths relative to it."""

    def __init__(self, path):
        self.path = path

    def has(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def list(self, folder):
        """The names of what is in a folder."""
        return sorted(os.listdir(os.path.join(self.path, folder))) if self.has(folder) else []

    def read(self, name):
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()


class Tar:
    """The same for an uncompressed tar, by paths relative to its top folder."""

    def __init__(self, path):
        self.path, self.file = path, open(path, "rb")
        try:
            with tarfile.open(fileobj=self.file, mode="r:") as tar:
                members = {posixpath.normpath(m.name).lstrip("/"): m for m in tar if m.isfile()}
        except tarfile.TarError as error:
            raise Refused(f"{path}: no folder and no whole, uncompressed tar: unpack it or get it again") from error
        top = posixpath.commonpath(members) if members else ""
        self.members = {posixpath.relpath(name, top or "."): member for name, member in members.items()}
        self.folders = collections.defaultdict(set)
        for name in self.members:
            while name:
                folder, last = posixpath.split(name)
                self.folders[folder].add(last)
                name = folder

    def has(self, name):
        return name in self.members or name in self.folders

    def list(self, folder):
        return sorted(self.folders.get(folder, ()))

    def read(self, name):
        member = self.members[name]
        return os.pread(self.file.fileno(), member.size, member.offset_data)  # no seek: processes share the file


def files_of(path):
    return Folder(path) if os.path.isdir(path) else Tar(path)


def full(files, name):
    """A file's path, for people."""
    return os.path.join(files.path, name)


def picture(files, name):
    """A decoded PIL picture."""
    try:
        image = Image.open(io.BytesIO(files.read(name)))
        image.load()
        return image
    except KeyError as error:
        raise Refused(f"{full(files, name)}: No such file: the data set is not whole") from error
    except OSError as error:
        reason = error.strerror or "damaged, or not a picture: get it again"
        raise Refused(f"{full(files, name)}: {reason}") from error
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:  # PIL's exceptions for damaged files
        raise Refused(f"{full(files, name)}: damaged: get it again") from error


def lines(files, name):
    """The non-empty lines of a text file."""
    try:
        text = files.read(name).decode()
    except (KeyError, OSError, UnicodeDecodeError) as error:
        raise Refused(f"{full(files, name)}: missing or not text: it says which picture is of which split") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def stems(files, folder, suffixes=PICTURES):
    """Name without suffix -> path, for the pictures in a folder."""
    split = (os.path.splitext(name) for name in files.list(folder) if not name.startswith("."))
    return {stem: f"{folder}/{stem}{suffix}" for stem, suffix in split if suffix.lower() in suffixes}


# ---- truth: from the files of one picture to its labels ----

def index(files, paths):
    """One PNG whose values are the labels."""
    image = picture(files, paths[0])
    if image.mode not in ("L", "P"):
        raise Refused(f"{full(files, paths[0])}: {image.mode} picture; labels are PNGs of one value a pixel, the class")
    return np.array(image)


def upright(files, paths):
    """The same, with corrected sides."""
    return sides_right(index(files, paths))


def empty(files, paths):
    """A truth without people."""
    return np.zeros(picture(files, paths[0]).size[::-1], np.uint8)


def people(files, paths):
    """One PNG with the classes of PEOPLE; for a room, the picture itself is passed, because it has no labels."""
    return index(files, paths) if paths[0].startswith("labels/") else empty(files, paths)


def grey(files, paths):
    """Grey pictures of one size, as arrays."""
    maps = [np.array(picture(files, path).convert("L")) for path in paths]
    for path, one in zip(paths, maps):
        if one.shape != maps[0].shape:
            raise Refused(f"{full(files, path)}: not of the size of {os.path.basename(paths[0])}: get it again")
    return maps


def largest(files, paths):
    """One probability map for each class."""
    return np.argmax(grey(files, paths), 0).astype(np.uint8)


def painted(files, paths):
    """One mask for each visible part, painted over each other."""
    maps = grey(files, paths)
    labels = np.zeros(maps[0].shape, np.uint8)
    for path, mask in zip(paths, maps):
        part = os.path.basename(path).split("_", 1)[1]
        labels[mask > 0] = 1 + PARTS.index(os.path.splitext(part)[0])
    return labels


# ---- entries: (name, path of the picture, paths of its truth) of one split ----

def matched(files, images, labels):
    """The entries of a folder of pictures and one of PNGs with the same names."""
    pictures, truths = stems(files, images), stems(files, labels, (".png",))
    for name in sorted(pictures.keys() ^ truths.keys()):
        have, lack = (pictures[name], labels) if name in pictures else (truths[name], images)
        raise Refused(f"{full(files, have)}: nothing of that name in {lack}: the data set is not whole")
    return [(name, pictures[name], (truths[name],)) for name in sorted(pictures)]


def folders(images, labels):
    """The splits of a set that has two folders for each, with names of these patterns."""
    def splits(files):
        found = {}
        for folder in (*SPLITS, "valid"):
            if files.has(images.format(folder)):
                found.setdefault("val" if folder == "valid" else folder, folder)
        return {split: lambda folder=folder: matched(files, images.format(folder), labels.format(folder))
                for split, folder in found.items()}
    return splits


def lists(files):
    """NAME_list.txt has a picture and its labels on each line."""
    def entries(name):
        pairs = [line.split() for line in lines(files, name)]
        for words in pairs:
            if len(words) != 2:
                raise Refused(f"{full(files, name)}: {' '.join(words)!r} is not a picture and its labels")
        return [(os.path.splitext(os.path.basename(image))[0], image, (labels,)) for image, labels in pairs]
    named = {"train": "train", "valid": "val", "val": "val", "test": "test"}
    return {split: lambda name=f"{word}_list.txt": entries(name)
            for word, split in named.items() if files.has(f"{word}_list.txt")}


def hashed(entries):
    """A set without splits: one picture in ten is for validation."""
    def splits(files):
        def chosen(wanted):
            return [entry for entry in entries(files) if held_out(entry[0]) == wanted]
        return {"train": lambda: chosen(False), "val": lambda: chosen(True)}
    return splits


def pairs(folder):
    """The pictures of images/ with their labels in a folder."""
    return hashed(lambda files: matched(files, "images", folder))


def alone(files):
    """Pictures without truth."""
    return [(name, path, (path,)) for name, path in sorted(stems(files, "images").items())]


def labelled_or_empty(files):
    """People have labels; rooms have an empty folder of labels."""
    return pairs("labels")(files) if files.list("labels") else hashed(alone)(files)


def helen(files):
    """Each line of a list is a number, a comma and a name."""
    def entries(name):
        names = [line.split(",")[-1].strip() for line in lines(files, name)]
        return [(n, f"images/{n}.jpg", tuple(f"labels/{n}/{n}_lbl{i:02}.png" for i in range(11))) for n in names]
    return {split: lambda name=name: entries(name) for split, name in HELEN_LISTS.items() if files.has(name)}


def celebamask(files):
    """The split of a picture is that of the CelebA picture from which it was made."""
    def split_of(number):
        return "train" if number < CELEBA_VAL else "val" if number < CELEBA_TEST else "test"

    def entries(split):
        try:
            rows = [line.split() for line in lines(files, CELEBA_LIST)]
            origin = {row[0]: int(row[1]) for row in rows if row[0].isdecimal()}  # the first is a heading
        except (IndexError, ValueError) as error:
            raise Refused(f"{full(files, CELEBA_LIST)}: not lines of a number, CelebA's number and a name") from error
        pictures = stems(files, "CelebA-HQ-img")
        for name in pictures:
            if name not in origin:
                raise Refused(f"{full(files, pictures[name])}: not in {CELEBA_LIST}")
        wanted = sorted((name for name in pictures if split_of(origin[name]) == split), key=int)
        return [(name, pictures[name], parts(int(name))) for name in wanted]

    def parts(number):
        folder = f"CelebAMask-HQ-mask-anno/{number // PARTS_FOLDER}"
        found = tuple(path for path in (f"{folder}/{number:05}_{part}.png" for part in PARTS) if files.has(path))
        if not found:
            raise Refused(f"{full(files, folder)}: no mask of picture {number}: the data set is not whole")
        return found

    return {split: lambda split=split: entries(split) for split in SPLITS}


# ---- layouts ----

@dataclass(frozen=True)
class Layout:
    """signs: any of these groups of files identifies it. splits: files -> {split: its entries}. classes: None: to be detected."""
    name: str
    signs: tuple
    splits: callable
    truth: callable
    classes: int


def each(*patterns):
    """Signs of a set that may have only some of the splits."""
    return tuple(tuple(pattern.format(folder) for pattern in patterns) for folder in (*SPLITS, "valid"))


LAYOUTS = (
    Layout("CelebAMask-HQ", (("CelebA-HQ-img", "CelebAMask-HQ-mask-anno"),), celebamask, painted, 19),
    Layout("CelebAMask-HQ, merged", each("{}_img", "{}_label"), folders("{}_img", "{}_label"), index, 19),
    Layout("Helen", tuple(("images", "labels", name) for name in HELEN_LISTS.values()), helen, largest, 11),
    Layout("LaPa", each("{}/images", "{}/labels", "{}/landmarks"), folders("{}/images", "{}/labels"), index, 11),
    Layout("split folders", each("{}/images", "{}/labels"), folders("{}/images", "{}/labels"), index, None),
    Layout("lists", each("images", "labels", "{}_list.txt"), lists, index, None),
    Layout("masks", (("images", "masks"),), pairs("masks"), upright, 19),
    Layout("taught", (("images", "codes"),), pairs("codes"), index, 20),
    Layout("people", (("images", "labels"),), labelled_or_empty, people, PEOPLE),
)
LOOK = 16


@dataclass(frozen=True)
class Set:
    """One split of a data set: a sequence of (name, RGB picture, picture of its labels), read on demand."""
    layout: str
    classes: int
    files: object
    entries: list
    truth: callable

    def __len__(self):
        return len(self.entries)

    @property
    def empty(self):
        """Whether its pictures show no people."""
        return self.classes == PEOPLE and not self.files.list("labels")

    @property
    def complete(self):
        """Whether each pixel's class is known."""
        return self.classes != PEOPLE and self.layout != "taught"

    def __getitem__(self, i):
        name, path, paths = self.entries[i]
        labels = self.truth(self.files, paths)
        count = len(NAMES.get(self.classes, ())) or self.classes
        more = [IGNORE] if self.complete else [IGNORE, *partial.CODES.values()]
        bad = labels[(labels >= count) & ~np.isin(labels, more)]
        if bad.size:
            raise Refused(f"{full(self.files, paths[0])}: has class {bad[0]}, and the {count} of this set end "
                          f"at {count - 1}")
        rgb, labels = picture(self.files, path).convert("RGB"), Image.fromarray(labels)
        if rgb.width * labels.height != rgb.height * labels.width:
            raise Refused(f"{full(self.files, path)}: {rgb.width} x {rgb.height}, and its labels "
                          f"{labels.width} x {labels.height}: they are not of one picture")
        return name, rgb if rgb.size == labels.size else rgb.resize(labels.size, Image.BOX), labels


def read(path, split):
    """The Set at a path; Refused if it is not one, is damaged, or has no such split."""
    try:
        return found(files_of(path), split)
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror}") from error


def found(files, split):
    """The same for files."""
    layout = next((row for row in LAYOUTS if any(all(map(files.has, group)) for group in row.signs)), None)
    if not layout:
        raise Refused(f"{files.path}: not in the layout of a data set that is known: name the folder that holds "
                      "CelebA-HQ-img, images or train")
    splits = layout.splits(files)
    if split not in splits:
        raise Refused(f"{files.path}: {layout.name} without {split} here, only {', '.join(splits)}")
    entries = splits[split]()
    if not entries:
        raise Refused(f"{files.path}: {layout.name} without a picture for {split}")
    return Set(layout.name, layout.classes or looked(files, entries), files, entries, layout.truth)


def mapped(pictures, classes):
    """A Set's items with the labels of another class set."""
    table = list(mapping(pictures.classes, classes))
    for name, rgb, labels in pictures:
        yield name, rgb, labels.point(table)


def looked(files, entries):
    """11 or 19: among a few portraits with 19 classes, one has a class beyond the 11th, such as hair, neck or clothes."""
    first = (index(files, paths) for _, _, paths in entries[:LOOK])
    return 19 if any(((labels >= 11) & (labels != IGNORE)).any() for labels in first) else 11


def unlabelled(path):
    """Yield (name, RGB picture) of the pictures without truth."""
    files = files_of(path)
    for name, file in sorted(stems(files, "unlabelled").items()):
        yield name, picture(files, file).convert("RGB")


# ---- command ----

def watched(items):
    """The same items, counted on a terminal."""
    for i in range(len(items)):
        yield items[i]
        if sys.stderr.isatty():
            print(f"\r{i + 1} of {len(items)}", end="" if i + 1 < len(items) else "\n", file=sys.stderr, flush=True)


def palette(classes):
    """768 values: the colours of the set, and white for ignored pixels."""
    colours = [int(label["color"][i:i + 2], 16) for label in arches.labels(len(NAMES[classes])) for i in (1, 3, 5)]
    return colours + [0] * (3 * IGNORE - len(colours)) + [255] * 3


def export(items, classes, folder):
    """folder/images and folder/labels, each NAME.png."""
    table, colours = mapping(items.classes, classes), palette(classes)
    try:
        for kind in ("images", "labels"):
            os.makedirs(os.path.join(folder, kind), exist_ok=True)
            if os.listdir(os.path.join(folder, kind)):
                raise Refused(f"{os.path.join(folder, kind)}: not empty: name a new folder")
        for name, rgb, labels in watched(items):
            rgb.save(os.path.join(folder, "images", f"{name}.png"), compress_level=1)
            labels = Image.fromarray(table[np.array(labels)])
            labels.putpalette(colours)
            labels.save(os.path.join(folder, "labels", f"{name}.png"))
    except OSError as error:
        raise Refused(f"{error.filename or folder}: {error.strerror or error}") from error


def summary(items, classes, split):
    """Describe the set: its layout, the share of each class, and whose left its left is."""
    table, names = mapping(items.classes, classes), NAMES[classes]
    eyes = [names.index(name) if name in names else IGNORE for name in ("left eye", "right eye")]
    counts, subjects = np.zeros(256, np.int64), []
    for _, _, labels in watched(items):
        labels = table[np.array(labels)]
        counts += np.bincount(labels.ravel(), minlength=256)
        left, right = (np.nonzero(labels == eye)[1] for eye in eyes)
        if IGNORE not in eyes and left.size and right.size:
            subjects.append(left.mean() > right.mean())
    rows = [("layout", items.layout), ("split", split), ("pictures", len(items)), ("classes", items.classes)]
    if subjects:
        rows.append(("left eye", f"the subject's in {100 * np.mean(subjects):.0f} % of {len(subjects)} pictures"))
    named = [*enumerate(names)] + [(IGNORE, "to be ignored")] * bool(counts[IGNORE])
    rows += [(name, f"{100 * counts[i] / counts.sum():6.2f} %") for i, name in named]
    for row in rows:
        print("{:15}{}".format(*row))


def main():
    parser = argparse.ArgumentParser(description="What a face-parsing data set has; or its pictures, labels as PNGs.")
    parser.add_argument("path", help="folder or uncompressed tar")
    parser.add_argument("--split", choices=SPLITS, default="val")
    parser.add_argument("--classes", type=int, choices=tuple(NAMES), help="by default those of the set")
    parser.add_argument("--export", metavar="DIR", help="new folder for images and labels")
    args = parser.parse_args()
    try:
        items = read(args.path, args.split)
        classes = args.classes or items.classes
        if args.export:
            export(items, classes, args.export)
        else:
            summary(items, classes, args.split)
    except Refused as refusal:
        sys.exit(f"datasets.py: {refusal}")


if __name__ == "__main__":
    main()
