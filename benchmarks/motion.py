"""The motion CNN-LSTM: milliseconds a clip by stage, and a training step with and without pool5.

    OMP_NUM_THREADS=1 python benchmarks/motion.py [small] [vgg16]

A clip of 4 s, 320x240 px, 25 frames a second, Motion JPEG (Replay-Attack's form) is written, whose
face (Eileen Collins, NASA, public domain) nods by 2 px. Stages: finding the face at five looks a
second, decoding the window, cropping 16 frames, cropping and magnifying every frame, the CNN, the
LSTM. A training step is forwards, backwards and Adam on 8 clips: with the CNN learning, with a
frozen CNN that convolves again, and with its stored pool5. Every figure is the least of some
rounds, all in one process on one thread.
"""

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data
import torch

from bonafide.cues.clip_frames import ClipFile, ClipSettings, read_clip
from bonafide.cues.magnification import magnify_clip
from bonafide.cues.magnification_settings import PRESETS
from bonafide.face.clip_face import find_clip_face
from bonafide.face.crop import crop_box
from bonafide.face.detect import MtcnnDetector
from bonafide.models import motion_cnn_lstm
from bonafide.models.motion_cnn_lstm import CNNS, MotionCnnLstm

RATE_HZ, SECONDS, FRAMES, BATCH, ROUNDS = 25, 4.0, 16, 8, 3


def write_nodding_clip(path):
    picture = cv2.resize(skimage.data.astronaut()[0:360, 20:500], (320, 240))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=RATE_HZ, options={"qmin": "3", "qmax": "3"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        for number in range(int(RATE_HZ * SECONDS)):
            nod = round(2 * np.sin(2 * np.pi * number / RATE_HZ))
            rgb = np.ascontiguousarray(np.roll(picture, nod, axis=0))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())


def least_ms(work, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = work()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times), result


def clip_stages(path, side_px):
    detector, settings = MtcnnDetector(), ClipSettings(FRAMES, SECONDS, side_px)
    source = ClipFile(path, SECONDS)
    find = lambda: find_clip_face(source(5.0), detector, extend=1.6)  # noqa: E731
    face_ms, face = least_ms(find)
    decode_ms, frames = least_ms(lambda: list(source(None)))
    crop_ms, _ = least_ms(
        lambda: [crop_box(f.rgb, face.box, side_px) for f in frames[::6][:FRAMES]]
    )
    crops = np.stack([crop_box(frame.rgb, face.box, side_px)[0] for frame in frames])
    all_ms, _ = least_ms(lambda: [crop_box(frame.rgb, face.box, side_px) for frame in frames])
    times_s = [frame.time_s for frame in frames]
    magnify_ms, _ = least_ms(lambda: magnify_clip(crops, times_s, PRESETS["face-motion"]))
    whole_ms, read = least_ms(lambda: read_clip(source, settings, detector))
    magnified = replace(settings, preset="face-motion")
    whole_m_ms, _ = least_ms(lambda: read_clip(source, magnified, detector))
    print(f"  find the face, 20 looks  {face_ms:8.1f} ms")
    print(f"  decode {len(frames)} frames        {decode_ms:8.1f} ms")
    print(f"  crop {FRAMES} frames           {crop_ms:8.1f} ms; all {len(frames)}: {all_ms:.1f} ms")
    print(f"  magnify {len(frames)} frames       {magnify_ms:8.1f} ms")
    print(f"  all of that              {whole_ms:8.1f} ms; magnified {whole_m_ms:.1f} ms")
    return read.frames


def network_stages(cnn, frames):
    network = MotionCnnLstm("cnn-lstm-a", cnn, FRAMES).eval()
    clip = torch.from_numpy(frames[None].copy())
    with torch.inference_mode():
        cnn_ms, pool5 = least_ms(lambda: network.cnn(clip))
        lstm_ms, _ = least_ms(lambda: network(pool5), 10)
    print(f"  CNN, {FRAMES} frames           {cnn_ms:8.1f} ms")
    print(f"  LSTM and attention       {lstm_ms:8.1f} ms")


def training_step(cnn, frames, *, frozen, stored):
    network = MotionCnnLstm("cnn-lstm-a", cnn, FRAMES)
    if frozen:
        network.freeze_cnn()
    network.train()
    learning = [each for each in network.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(learning, 1e-5)
    clips = torch.from_numpy(np.stack([frames] * BATCH))
    if stored:
        clips = torch.rand(BATCH, FRAMES, *CNNS[cnn].pool5)
    target = torch.arange(BATCH) % 2

    def step():
        optimizer.zero_grad()
        motion_cnn_lstm.loss(network(clips), target, recurrent=True).backward()
        optimizer.step()

    return least_ms(step, 2)[0]


def main():
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or ["small", "vgg16"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nod.mov"
        write_nodding_clip(path)
        for cnn in wanted:
            side_px = CNNS[cnn].input_px
            print(f"{cnn}, {side_px} px, one clip of {SECONDS:g} s")
            frames = clip_stages(path, side_px)
            network_stages(cnn, frames)
            stored = training_step(cnn, frames, frozen=True, stored=True)
            again = training_step(cnn, frames, frozen=True, stored=False)
            print(f"  step of {BATCH} clips, stored pool5       {stored:9.0f} ms")
            print(f"  the same, convolving again       {again:9.0f} ms, {again / stored:.1f} times")
            if cnn == "small":
                learning = training_step(cnn, frames, frozen=False, stored=False)
                print(f"  the CNN learning too             {learning:9.0f} ms")


if __name__ == "__main__":
    main()
