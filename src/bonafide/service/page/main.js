// The page's states: intro, live, recording, judging, verdict, failed; one function enters each.

import { about, judge, startSession } from "./api.js";
import { closeCamera, openCamera, record, watch } from "./camera.js";
import { drawEvidence } from "./evidence.js";
import { TITLES, drawShot, drawVerdict, make } from "./verdict.js";

const CALM_MS = 700; // a hint is spoken when it has stood this long
const CLIP_S = 2.2;
const SPARE_S = 0.4; // a recorder's first and last frame come late and early

const el = Object.fromEntries(["video", "ring", "hint", "shot", "step", "title", "lead", "verdict",
  "go", "upload", "file", "pick", "capture", "unit-note", "how", "cancel", "privacy", "evidence",
  "model", "live"]
  .map((id) => [id, document.getElementById(id)]));

const given = takeTokenFromAddress();
let press = useCamera;
let looking = null;
let session = null;
let speaking = 0;
let takes = ["photo", "clip"];
let clipS = CLIP_S;

el.go.addEventListener("click", () => press());
el.cancel.addEventListener("click", () => { stopCamera(); intro(); });
el.file.addEventListener("change", useFile);
el.capture.addEventListener("submit", useCapture);
addEventListener("pagehide", stopCamera);
intro();
introduceService();

async function introduceService() {
  const { ok, body } = await about();
  if (!ok) return;
  const { model, retention } = body;
  takes = body.takes;
  clipS = body.window_s ? Math.max(CLIP_S, body.window_s + SPARE_S) : CLIP_S;
  introduceModel(body.depth_unit);
  el.model.textContent = `Model ${model.name} ${model.version}, trained on ${model.trained_on}.`;
  el.privacy.textContent = {
    none: "Your picture is judged in memory and kept nowhere.",
    decision: "The verdict is recorded; your picture is not kept.",
    picture: "The verdict and your picture are recorded, and the picture is deleted after a time.",
  }[retention];
  if (body.key_required && !given.token) {
    fail({ problem: "This check needs an invitation.",
      remedy: "Open the link that the app or site you came from gave you." }, false);
  } else if (document.body.dataset.state === "intro") intro();
}

// What the model judges decides what may be given to it.
function introduceModel(unit) {
  const many = takes.includes("multimodal");
  document.body.dataset.takes = many ? "multimodal" : "camera";
  el.how.hidden = many;
  el.file.accept = takes.includes("photo") ? "image/jpeg,image/png,image/webp,video/*" : "video/*";
  el.pick.textContent = takes.includes("photo") ? "Upload a photo or clip" : "Upload a clip";
  el["unit-note"].textContent = unit
    ? `Left empty: ${unit.mm_per_level} mm, as the model was trained. Level 0 is “not measured”.`
    : "Left empty: 16-bit levels are millimetres. Level 0 is “not measured”.";
  el.capture.elements.unit.placeholder = unit ? unit.mm_per_level : 1;
}

function enter(state, { step, title, lead = "", focus = false, go, cancel = false, upload = true }) {
  document.body.dataset.state = state;
  delete document.body.dataset.ready;
  el.step.textContent = step;
  el.title.textContent = title;
  el.lead.textContent = lead;
  el.video.hidden = !["live", "recording"].includes(state);
  el.hint.hidden = !["live", "recording"].includes(state);
  el.shot.hidden = !["judging", "verdict", "failed"].includes(state);
  el.verdict.hidden = state !== "verdict";
  el.evidence.hidden = state !== "verdict";
  el.go.hidden = !go;
  if (go) [el.go.textContent, press, el.go.disabled] = [go[0], go[1], go[2] ?? false];
  el.cancel.hidden = !cancel;
  const many = takes.includes("multimodal");
  el.upload.hidden = !upload || many;
  el.capture.hidden = !upload || !many || state === "verdict";
  if (focus) el.title.focus({ preventScroll: true });
}

function intro() {
  const title = "Is a live person in front of the camera?";
  if (takes.includes("multimodal")) {
    enter("intro", { step: "Live face check", title,
      lead: "Give one moment from three sensors: colour, depth and infrared, pixel upon pixel." });
    return;
  }
  enter("intro", { step: "Live face check", title,
    lead: `Show your face for ${spoken()}. A photo, a screen or a mask should not get through.`,
    go: ["Use the camera", useCamera] });
}

function spoken() {
  const words = ["one second", "two seconds", "three seconds", "four seconds", "five seconds"];
  return words[Math.round(clipS) - 1] ?? `${Math.round(clipS)} seconds`;
}

async function useCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    fail({ problem: "The camera needs a secure connection.",
      remedy: "Open this page over https, or upload a file." });
    return;
  }
  try {
    await openCamera(el.video);
  } catch (error) {
    fail(cameraProblem(error));
    return;
  }
  if (!(await haveSession())) return;
  enter("live", { step: "Step 1 of 2", title: "Place your face in the oval",
    lead: `Hints under the picture tell what to change. Then record ${spoken()}.`,
    go: ["Record", recordClip, true], cancel: true, upload: false, focus: true });
  show({ ready: false, text: "Look into the camera" });
  looking = new AbortController();
  watch(el.video, session.token, show, looking.signal);
}

function show({ ready, text }) {
  if (document.body.dataset.state !== "live") return;
  document.body.dataset.ready = ready ? "yes" : "no";
  el.go.disabled = !ready;
  if (el.hint.textContent === text) return;
  el.hint.textContent = text;
  clearTimeout(speaking);
  speaking = setTimeout(() => say(text), CALM_MS);
}

async function recordClip() {
  looking?.abort();
  enter("recording", { step: "Step 2 of 2", title: "Hold still",
    lead: "Recording. Keep looking into the camera.", upload: false, focus: true });
  el.hint.textContent = "Recording";
  let clip;
  try {
    clip = await record(el.video, 1000 * clipS, (share) =>
      (el.ring.style.strokeDasharray = `${100 * Math.min(share, 1)} 100`));
  } catch {
    stopCamera();
    fail({ problem: "This browser could not record the clip.", remedy: "Upload a file instead." });
    return;
  }
  el.ring.style.strokeDasharray = "0 100";
  stopCamera();
  await send("clip", clip);
}

async function useFile() {
  const file = el.file.files[0];
  el.file.value = "";
  if (!file) return;
  const kind = (await isClip(file)) ? "clip" : "photo";
  if (!takes.includes(kind)) {
    fail({ problem: "This model judges clips.", remedy: `Choose a clip of ${spoken()} or more.` });
    return;
  }
  if (await haveSession()) await send(kind, file);
}

async function useCapture(event) {
  event.preventDefault();
  const { rgb, depth, infrared, unit } = el.capture.elements;
  const files = new FormData();
  for (const input of [rgb, depth, infrared]) files.append(input.name, input.files[0]);
  if (await haveSession()) await send("multimodal", files, unit.value);
}

async function send(kind, file, unit) {
  enter("judging", { step: "Checking", title: "One moment", lead: "What you gave is being judged.",
    upload: false, focus: true });
  el.shot.replaceChildren(make("div", { class: "spinner" }));
  say("Checking.");
  const { ok, body } = await judge(session.token, kind, file, unit);
  session = null; // the token is spent, whatever came of it
  if (ok) verdict(body);
  else fail(body);
}

function verdict(answer) {
  const [title, lead] = TITLES[answer.decision];
  enter("verdict", { step: "Result", title, lead, focus: true, go: again("Check again") });
  drawVerdict(el.verdict, answer);
  drawShot(el.shot, answer);
  drawEvidence(el.evidence, answer);
  say(`${title}. ${lead} ${answer.reasons.map((reason) => reason.advice).join(" ")}`);
}

function fail({ problem, remedy }, retry = true) {
  stopCamera();
  const sentence = problem.charAt(0).toUpperCase() + problem.slice(1);
  enter("failed", { step: "Not checked", title: "That did not work", lead: `${sentence} ${remedy}`,
    focus: true, upload: retry,
    go: retry && !takes.includes("multimodal") ? again("Try again") : null });
  el.shot.replaceChildren(make("p", {}, "Nothing was accepted."));
  say(`${sentence} ${remedy}`);
}

function again(label) {
  if (given.token) return null;
  return [label, takes.includes("multimodal") ? intro : useCamera];
}

async function haveSession() {
  if (given.token && !given.used) {
    given.used = true;
    session = { token: given.token };
  }
  if (session) return true;
  if (given.token) {
    fail({ problem: "This link has been used.", remedy: "Ask for a new one where you got it." }, false);
    return false;
  }
  const { ok, body } = await startSession();
  if (ok) session = body;
  else fail(body);
  return ok;
}

function stopCamera() {
  looking?.abort();
  looking = null;
  closeCamera(el.video);
}

function say(text) {
  clearTimeout(speaking);
  el.live.textContent = text;
}

// A site that runs the check for its users hands a session over as /#token=...; the address is
// cleaned at once, so that the token is neither bookmarked nor shared.
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname);
  return { token, used: false };
}

async function isClip(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const starts = (...bytes) => bytes.every((byte, i) => head[i] === byte);
  const words = String.fromCharCode(...head);
  if (starts(0xff, 0xd8) || starts(0x89, 0x50) || words.endsWith("WEBP")) return false;
  return file.type.startsWith("video/") || words.includes("ftyp") || starts(0x1a, 0x45) || words.startsWith("RIFF");
}

function cameraProblem(error) {
  if (error.name === "NotAllowedError") {
    return { problem: "The camera was not allowed.",
      remedy: "Allow it for this page in the browser's settings, or upload a file." };
  }
  if (error.name === "NotFoundError") {
    return { problem: "No camera was found.", remedy: "Connect one, or upload a file." };
  }
  return { problem: "The camera could not be opened.",
    remedy: "Close other programs that use it, or upload a file." };
}
