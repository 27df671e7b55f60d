// The camera: opened, looked at a few times a second for guidance, and recorded for some seconds.

import { guidance } from "./api.js";

const LOOK_EVERY_MS = 300;
const LOOK_PX = 640;
const BITS_PER_S = 6_000_000; // fine texture is what tells a screen from skin
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

const WORDS = {
  no_face: "Look into the camera",
  several_faces: "Only one person, please",
  face_too_small: "Move closer",
  extreme_pose: "Look straight ahead",
  too_dark: "More light on your face",
  too_bright: "Less light on your face",
  blurred: "Hold still",
  face_cut_off: "Move into the oval",
};

export async function openCamera(video) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
  });
  video.srcObject = stream;
  await video.play();
  return stream;
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

// Calls tell({ready, text}) after every look, until the signal aborts.
export async function watch(video, token, tell, signal) {
  const canvas = document.createElement("canvas");
  while (!signal.aborted) {
    try {
      const picture = await snapshot(video, canvas);
      const answer = picture && (await guidance(token, picture, signal));
      if (answer && answer.ok) tell(advice(answer.body));
      // A busy service must not keep anybody out: the check itself will say what is wrong.
      else if (answer && answer.status >= 429) tell({ ready: true, text: "Ready when you are" });
      else if (answer && answer.status) tell({ ready: true, text: "Ready when you are", stale: true });
    } catch (error) {
      if (error.name === "AbortError") return;
      throw error;
    }
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
}

// What one look tells the person: what hinders a verdict first, then how to sit better.
export function advice(look) {
  const blocking = look.reasons.find((reason) => reason.severity === "blocking");
  if (blocking) return { ready: false, text: WORDS[blocking.code] ?? blocking.advice };
  const { box } = look.faces[0];
  const height = box.height / look.height_px;
  if (height < 0.2) return { ready: false, text: "Move closer" };
  if (height > 0.72) return { ready: false, text: "Move back a little" };
  const across = (box.left + box.width / 2) / look.width_px;
  if (Math.abs(across - 0.5) > 0.22) return { ready: false, text: "Move to the middle" };
  return { ready: true, text: "Good. Hold still" };
}

export async function record(video, clipMs, progress) {
  const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
  const recorder = new MediaRecorder(video.srcObject, {
    mimeType: kind,
    videoBitsPerSecond: BITS_PER_S,
  });
  const pieces = [];
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  const stopped = new Promise((done, failed) => {
    recorder.addEventListener("stop", done, { once: true });
    recorder.addEventListener("error", failed, { once: true });
  });
  const started = new Promise((done) => recorder.addEventListener("start", done, { once: true }));
  recorder.start();
  await Promise.race([started, stopped]);
  const began = performance.now();
  const timer = setInterval(() => progress((performance.now() - began) / clipMs), 40);
  setTimeout(() => recorder.state === "recording" && recorder.stop(), clipMs);
  try {
    await stopped;
  } finally {
    clearInterval(timer);
  }
  return new Blob(pieces, { type: kind });
}

function snapshot(video, canvas) {
  const { videoWidth: width, videoHeight: height } = video;
  if (!width) return null;
  const zoom = Math.min(LOOK_PX / Math.max(width, height), 1);
  canvas.width = Math.round(width * zoom);
  canvas.height = Math.round(height * zoom);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
}
