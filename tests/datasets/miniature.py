"""The official layouts by name, and tiny media to fill them with.

Names are spelled out here from the data sets' documentation, not asked of the loaders, so that
the tests have a reference of their own. An empty file is enough for a loader; `fill_with_media`
puts real photos and clips of a few frames in their place.
"""

from itertools import product
from pathlib import Path

import av
import numpy as np
from PIL import Image

REPLAY_CLIENTS = {
    "train": "001 002 004 006 007 008 012 016 018 025 027 103 105 108 110",
    "devel": "003 005 010 015 017 022 029 030 101 111 113 114 116 118 119",
    "test": "009 011 013 014 019 020 021 023 024 026 028 031 102 104 106 107 109 112 115 117",
}
CASIA_VIDEOS = "1 2 3 4 5 6 7 8 HR_1 HR_2 HR_3 HR_4"
MSU_TRAIN = "02 03 05 06 07 08 09 11 12 21 22 34 53 54 55"
MSU_TEST = "01 13 14 23 24 26 28 29 30 32 33 35 36 37 39 42 48 49 50 51"


def touch(root: Path, names):
    """Make empty files."""
    made = set()
    for name in names:
        path = root / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.open("ab").close()
    return root


def replay_attack_names(people=None):
    """1200 names; with ``people``, those of the first so many clients of each split."""
    names = []
    for folder, clients in REPLAY_CLIENTS.items():
        for client, light in product(clients.split()[:people], ("controlled", "adverse")):
            real = f"{folder}/real/client{client}_session01_webcam_authenticate_{light}"
            names += [f"{real}_1.mov", f"{real}_2.mov"]
            for support in ("fixed", "hand"):
                for shown in (
                    "print_client{}_session01_highdef_photo",
                    "mobile_client{}_session01_mobile_photo",
                    "mobile_client{}_session01_mobile_video",
                    "highdef_client{}_session01_highdef_photo",
                    "highdef_client{}_session01_highdef_video",
                ):
                    stem = shown.format(client)
                    names.append(f"{folder}/attack/{support}/attack_{stem}_{light}.mov")
    return names


def replay_enrolment_names():
    """The 100 enrolment clips."""
    return [
        f"enroll/{folder}/client{client}_session01_webcam_enroll_{light}_1.mov"
        for folder, clients in REPLAY_CLIENTS.items()
        for client in clients.split()
        for light in ("controlled", "adverse")
    ]


def casia_fasd_names(train=20, test=30):
    parts = (("train_release", train), ("test_release", test))
    return [
        f"{part}/{person}/{video}.avi"
        for part, people in parts
        for person in range(1, people + 1)
        for video in CASIA_VIDEOS.split()
    ]


def msu_mfsd_names(ids=f"{MSU_TRAIN} {MSU_TEST}"):
    names = []
    for client, (device, suffix) in product(ids.split(), (("android", "mp4"), ("laptop", "mov"))):
        who = f"client0{client}_{device}_SD"
        names.append(f"real/real_{who}_scene01.{suffix}")
        for kind in ("ipad_video", "iphone_video", "printed_photo"):
            names.append(f"attack/attack_{who}_{kind}_scene01.{suffix}")
    return names


def oulu_clips(users=None):
    """Part -> names; with ``users``, those of the first so many users of each part."""
    parts = {"Train": range(1, 21), "Dev": range(21, 36), "Test": range(36, 56)}
    return {
        part: [
            f"{phone}_{session}_{user:02d}_{file}"
            for phone, session, user, file in product(
                range(1, 7), range(1, 4), list(numbers)[:users], range(1, 6)
            )
        ]
        for part, numbers in parts.items()
    }


def oulu_label(name):
    return {"1": "+1", "2": "-1", "3": "-1", "4": "-2", "5": "-2"}[name[-1]]


def oulu_lists(clips, protocol, fold=0):
    """List name -> lines, by the published rules of the four protocols."""
    lists = {}
    for part, names in clips.items():
        lines = []
        for name in names:
            phone, session, _, file = (int(word) for word in name.split("_"))
            test = part == "Test"
            if protocol in (1, 4) and (session == 3) != test:
                continue
            if protocol in (2, 4) and file not in ((1, 3, 5) if test else (1, 2, 4)):
                continue
            if protocol in (3, 4) and (phone == fold) != test:
                continue
            lines.append(f"{oulu_label(name)},{name}")
        suffix = f"_{fold}" if fold else ""
        lists[f"Protocols/Protocol_{protocol}/{part}{suffix}.txt"] = lines
    return lists


def write_lists(root: Path, lists):
    for name, lines in lists.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(lines) + "\n")


def oulu_tree(root: Path, users=None):
    """All clips, and the lists of all protocols and folds."""
    clips = oulu_clips(users)
    touch(root, (f"{part}_files/{name}.avi" for part, names in clips.items() for name in names))
    for protocol in (1, 2):
        write_lists(root, oulu_lists(clips, protocol))
    for protocol, fold in product((3, 4), range(1, 7)):
        write_lists(root, oulu_lists(clips, protocol, fold))
    return root


def surf_challenge(root: Path, frames=2):
    """A small challenge layout: people of their own in Training, unnamed ones elsewhere."""
    lists = {"train_list.txt": [], "val_private_list.txt": [], "test_private_list.txt": []}
    for person in ("CLKJ_AS0001", "CLKJ_BS0002"):
        for part, kind, label in (("real_part", "real", 1), ("fake_part", "04_en_b", 0)):
            for n in range(frames):
                base = f"Training/{part}/{person}/{kind}.rssdk"
                lists["train_list.txt"].append(
                    f"{base}/color/{n}.jpg {base}/depth/{n}.jpg {base}/ir/{n}.jpg {label}"
                )
    for folder, name in (("Val", "val_private_list.txt"), ("Testing", "test_private_list.txt")):
        for n in range(2 * frames):
            base = f"{folder}/0000/{n:06d}"
            lists[name].append(f"{base}-color.jpg {base}-depth.jpg {base}-ir.jpg {n % 2}")
    for lines in lists.values():
        touch(root, (path for line in lines for path in line.split()[:3]))
    write_lists(root, lists)
    return root


def surf_release(root: Path, frames=2):
    """A small release layout with the opposite labels: 0 is bona fide."""
    parts = (
        ("Training", "train", "04_en_b"),
        ("Val", "dev", "01_e_s"),
        ("Testing", "test", "02_e_b"),
    )
    for number, (folder, word, attack) in enumerate(parts):
        lines = []
        for part, kind, label in (("real_part", "real", 0), ("fake_part", attack, 1)):
            for n in range(frames):
                base = f"Data/{folder}/{part}/CLKJ_CS000{number}/{kind}.rssdk"
                touch(root, (f"{base}/{m}/{n:04d}.jpg" for m in ("color", "depth", "ir")))
                lines.append(f"CASIA_SURF/{base}/color/{n:04d}.jpg {label}")
        write_lists(root, {f"CASIA_SURF@p1_image_{word}.txt": lines})
    return root


def siw_names(train=4, test=3):
    names = []
    for number in range(1, train + test + 1):
        split = "Train" if number <= train else "Test"
        who = f"{number:03d}"
        names += [f"{split}/live/{who}/{who}-1-1-1-{take}.mov" for take in (1, 2)]
        names += [f"{split}/spoof/{who}/{who}-1-2-{medium}-1.mov" for medium in (1, 2)]
        names += [f"{split}/spoof/{who}/{who}-2-3-{medium}-1.mp4" for medium in (1, 2, 3, 4)]
    return names


def mipd_tree(root: Path, people=10):
    """Two manifests with their media; the last three people are for test."""
    header = "path,depth_path,infrared_path,label,pai_species,capture_subject,split"
    kinds = {
        "MIP-2D": ("print", "print_warped", "replay"),
        "MIP-3D": ("mask_rigid", "mask_flexible", "head"),
    }
    for part, species in kinds.items():
        lines = [header]
        for person in range(people):
            split = "test" if person >= people - 3 else "train"
            for kind in ("", *species):
                paths = [f"{person:03d}/{kind or 'live'}-{m}.jpg" for m in ("color", "depth", "ir")]
                touch(root / part, paths)
                label = "attack" if kind else "bona_fide"
                lines.append(f"{','.join(paths)},{label},{kind},{person:03d},{split}")
        write_lists(root / part, {"manifest.csv": lines})
    return root


def folder_names(people=6, labels=("bona_fide", "print", "replay")):
    return [
        f"{label}/p{n:02d}/{take}.jpg" for label in labels for n in range(people) for take in (0, 1)
    ]


def picture(seed, height=32, width=40):
    """Soft blobs of colour, another one for each seed; (height, width, 3) uint8."""
    noise = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def write_photo(path: Path, seed=0, size=(32, 40), quality=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, *size)).save(path, quality=quality)


def write_clip(path: Path, seed=0, frames=4, size=(32, 40), rate=25):
    """Motion JPEG, as Replay-Attack has it; the picture moves by a pixel a frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    still = picture(seed, *size)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg" if path.suffix != ".mp4" else "mpeg4", rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = "yuvj420p" if path.suffix != ".mp4" else "yuv420p"
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(still, n, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def fill_with_media(root: Path):
    """Put a real photo or clip, by its suffix, in the place of every empty file."""
    for number, path in enumerate(sorted(root.rglob("*.*"))):
        if path.suffix == ".jpg":
            write_photo(path, seed=number)
        elif path.suffix in (".avi", ".mov", ".mp4"):
            write_clip(path, seed=number)
