// What stands behind a verdict, drawn: crops, frames, planes, scores over time, figures.

import { STAGES, make } from "./verdict.js";

export function drawEvidence(place, answer) {
  place.replaceChildren();
  const { crops: list = [], strip = [], panels: planes = [] } = answer.evidence ?? {};
  if (list.length) place.append(crops(list));
  if (strip.length) place.append(attention(strip, answer.per_frame));
  if (planes.length) place.append(panels(planes));
  const scored = answer.per_frame.filter((frame) => frame.score !== null);
  if (answer.per_frame.length > 1 && scored.length) place.append(chart(answer));
  place.append(details(answer));
}

function crops(list) {
  const largest = Math.max(...list.map((crop) => Math.abs(crop.weight)), 1e-9);
  const figures = list.map((crop) => {
    const share = Math.abs(crop.weight) / largest;
    const inside = crop.inside_share < 0.999
      ? [make("br"), `${Math.round(100 * crop.inside_share)} % in the picture`] : [];
    const weight = `${crop.weight < 0 ? "−" : "+"}${Math.abs(crop.weight).toFixed(2)}`;
    return make("figure", {},
      make("img", { src: `data:image/jpeg;base64,${crop.jpeg}`, width: 128, height: 128,
        alt: `Face crop at scale ${crop.scale}` }),
      bar(share, crop.weight < 0 ? "minus" : "plus"),
      make("figcaption", {}, make("b", {}, `scale ${crop.scale}`), make("br"),
        `weight ${weight}`, ...inside));
  });
  return make("section", { class: "card" }, make("h2", {}, "What the network saw"),
    make("div", { class: "crops" }, ...figures),
    make("p", { class: "note" },
      "The same face with more and more of its surroundings. The bar shows how much each counted."));
}

// The frames of a clip model with the attention that each got, if the model tells.
function attention(strip, frames) {
  const weighed = frames.some((frame) => frame.weight !== null);
  const largest = Math.max(...frames.map((frame) => frame.weight ?? 0), 1e-9);
  const figures = strip.map(({ index, jpeg }) => {
    const { time_s: time, weight } = frames[index];
    const told = weighed ? `, attention ${percent(weight)}` : "";
    const image = make("img", { src: `data:image/jpeg;base64,${jpeg}`, width: 112, height: 112,
      alt: `Frame at ${time.toFixed(2)} seconds${told}` });
    const caption = make("figcaption", {}, make("b", {}, `${time.toFixed(2)} s`));
    if (!weighed) return make("figure", {}, image, caption);
    caption.append(` ${percent(weight)}`);
    return make("figure", {}, image, bar(weight / largest, "plus"), caption);
  });
  return make("section", { class: "card wide" },
    make("h2", {}, weighed ? "Attention over frames" : "The frames the network saw"),
    make("div", { class: "strip" }, ...figures),
    make("p", { class: "note" }, weighed
      ? "The frames were judged together. The bar shows how much attention each got."
      : "The frames were judged together."));
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function panels(list) {
  const figures = list.map(({ caption, jpeg }) => make("figure", {},
    make("img", { src: `data:image/jpeg;base64,${jpeg}`, width: 128, height: 128, alt: "" }),
    make("figcaption", {}, caption)));
  return make("section", { class: "card wide" }, make("h2", {}, "What the networks saw"),
    make("div", { class: "strip" }, ...figures),
    make("p", { class: "note" }, "Aligned to the face. Stages that were not asked have no pictures."));
}

function bar(share, sort) {
  return make("svg", { class: "weight", viewBox: "0 0 100 8", preserveAspectRatio: "none",
    "aria-hidden": "true" }, make("rect", { class: sort, width: 100 * share, height: 8 }));
}

function chart(answer) {
  const frames = answer.per_frame;
  const last = frames[frames.length - 1].time_s || 1;
  const x = (time) => 28 + (284 * time) / last;
  const y = (score) => 8 + 92 * (1 - score);
  const scored = frames.filter((frame) => frame.score !== null);
  const points = scored.map((frame) => `${x(frame.time_s).toFixed(1)},${y(frame.score).toFixed(1)}`);
  const label = `Score of ${scored.length} frames over ${last.toFixed(1)} seconds`;
  const marks = frames.map((frame) => frame.score === null
    ? make("line", { class: "gap", x1: x(frame.time_s), x2: x(frame.time_s), y1: 92, y2: 100 })
    : make("circle", { class: "dot", cx: x(frame.time_s), cy: y(frame.score), r: 3.4 }));
  const drawing = make("svg", { class: "chart", viewBox: "0 0 320 122", role: "img", "aria-label": label },
    make("line", { class: "axis", x1: 28, x2: 312, y1: 100, y2: 100 }),
    make("line", { class: "axis", x1: 28, x2: 312, y1: 8, y2: 8 }),
    make("line", { class: "mark", x1: 28, x2: 312, y1: y(answer.threshold), y2: y(answer.threshold) }),
    make("polyline", { class: "line", points: points.join(" ") }), ...marks,
    make("text", { x: 20, y: 12, "text-anchor": "end" }, "1"),
    make("text", { x: 20, y: 104, "text-anchor": "end" }, "0"),
    make("text", { x: 28, y: 118 }, "0 s"),
    make("text", { x: 312, y: 118, "text-anchor": "end" }, `${last.toFixed(1)} s`));
  return make("section", { class: "card" }, make("h2", {}, "Frame by frame"), drawing,
    make("p", { class: "note" }, "The score of every frame looked at; dashed: the threshold. "
      + "The verdict goes by their mean."));
}

function details(answer) {
  const rows = [];
  const add = (name, value) => rows.push(make("dt", {}, name), make("dd", {}, value));
  const face = answer.faces[0];
  const staged = Object.keys(answer.stages).length > 0;
  if (staged) add("Decided by", answer.operating_point);
  else if (answer.score !== null) add("Score", `${answer.score.toFixed(4)}, accepted from ${answer.threshold.toFixed(4)} (${answer.operating_point})`);
  for (const [name, stage] of Object.entries(answer.stages)) {
    add(STAGES[name] ?? name, stage.score === null ? "not asked"
      : `${stage.score.toFixed(4)}, passed from ${stage.threshold.toFixed(4)}`);
  }
  if (answer.modalities.length > 1) add("Looked at", answer.modalities.join(", "));
  else add("Frames", `${answer.frames.evaluated} judged of ${answer.frames.seen} looked at`);
  if (face) {
    const q = face.quality;
    add("Face", `${q.size_px.toFixed(0)} px; turned ${q.yaw_deg.toFixed(0)}°, up ${q.pitch_deg.toFixed(0)}°, tilted ${q.roll_deg.toFixed(0)}°`);
    add("Light", `mean grey ${q.brightness.toFixed(0)} of 255; sharpness ${q.sharpness.toFixed(0)}`);
  }
  add("Model", `${answer.model.name} ${answer.model.version}, trained on ${answer.model.trained_on}`);
  add("Time", `${Object.values(answer.timing_ms).reduce((sum, ms) => sum + ms, 0).toFixed(0)} ms`);
  add("Request", answer.request_id);
  add("Kept", { none: "nothing", decision: "the verdict, no picture", picture: "the verdict and the picture" }[answer.retained]);
  return make("section", { class: "card" }, make("h2", {}, "Details"), make("dl", {}, ...rows));
}
