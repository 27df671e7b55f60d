// The answer and its evidence, drawn. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export const TITLES = {
  bona_fide: ["Live person", "This looks like a live face in front of the camera."],
  attack: ["Attack suspected", "This looks like a print, a screen or a mask, not like a live face."],
  not_evaluated: ["No answer", "The face could not be judged, so nothing was accepted."],
};
const ICONS = {
  bona_fide: "M5 12.5l4.5 4.5L19 7.5",
  attack: "M7 7l10 10M17 7L7 17",
  not_evaluated: "M12 6.5v7M12 17v.5",
};

export function make(name, attributes = {}, ...children) {
  const drawn = ["svg", "path", "rect", "circle", "line", "text", "polyline"].includes(name);
  const element = drawn ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function drawVerdict(place, answer) {
  const icon = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
    make("path", { d: ICONS[answer.decision], fill: "none", stroke: "currentColor",
      "stroke-width": 3, "stroke-linecap": "round", "stroke-linejoin": "round" }));
  const word = answer.decision.replace("_", " ");
  place.replaceChildren(make("p", { class: "score" },
    make("span", { class: `badge ${answer.decision}` }, icon, word)));
  if (answer.score !== null) place.append(scale(answer.score, answer.threshold));
  if (answer.reasons.length) {
    place.append(make("ul", { class: "reasons", "aria-label": "What to know" },
      ...answer.reasons.map((reason) => make("li", { class: reason.severity }, reason.advice))));
  }
}

function scale(score, threshold) {
  const at = (value) => 4 + 312 * Math.min(Math.max(value, 0), 1);
  const label = `Score ${score.toFixed(2)} of 1; accepted from ${threshold.toFixed(2)}`;
  const limit = Math.min(Math.max(at(threshold), 62), 258);
  return make("svg", { class: "scale", viewBox: "0 -18 320 66", role: "img", "aria-label": label },
    make("rect", { class: "low", x: 4, y: 8, width: at(threshold) - 4, height: 10, rx: 5 }),
    make("rect", { class: "high", x: at(threshold), y: 8, width: 316 - at(threshold), height: 10, rx: 5 }),
    make("line", { class: "mark", x1: at(threshold), x2: at(threshold), y1: 2, y2: 26 }),
    make("text", { x: limit, y: 40, "text-anchor": "middle" }, `accepted from ${threshold.toFixed(2)}`),
    make("text", { x: 0, y: 40 }, "attack"),
    make("text", { x: 320, y: 40, "text-anchor": "end" }, "live"),
    make("circle", { class: "pin", cx: at(score), cy: 13, r: 9 }),
    make("text", { class: "value", x: Math.min(Math.max(at(score), 16), 304), y: -4,
      "text-anchor": "middle" }, score.toFixed(2)));
}

export function drawShot(place, answer) {
  const evidence = answer.evidence;
  if (!evidence || !evidence.jpeg) {
    place.replaceChildren(make("p", {}, "No picture to show."));
    return;
  }
  const { width_px: width, height_px: height } = evidence;
  const found = answer.faces.length;
  const alt = found ? "The judged picture with the face marked" : "The judged picture; no face found";
  const image = make("img", { src: `data:image/jpeg;base64,${evidence.jpeg}`, alt });
  const overlay = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (found && evidence.landmarks.length) {
    const { box } = answer.faces[0];
    const side = { x: box.left, y: box.top, width: box.width, height: box.height, rx: box.width / 14 };
    overlay.append(make("rect", { class: "box under", ...side }), make("rect", { class: "box", ...side }));
    for (const [x, y] of evidence.landmarks) {
      overlay.append(make("circle", { class: "point", cx: x, cy: y, r: Math.max(width, height) / 180 }));
    }
  }
  place.replaceChildren(image, overlay);
}

export function drawEvidence(place, answer) {
  place.replaceChildren();
  if (answer.evidence?.crops.length) place.append(crops(answer.evidence.crops));
  const scored = answer.per_frame.filter((frame) => frame.score !== null);
  if (answer.per_frame.length > 1 && scored.length) place.append(chart(answer));
  place.append(details(answer));
}

function crops(list) {
  const largest = Math.max(...list.map((crop) => Math.abs(crop.weight)), 1e-9);
  const figures = list.map((crop) => {
    const share = (100 * Math.abs(crop.weight)) / largest;
    const bar = make("svg", { class: "weight", viewBox: "0 0 100 8", preserveAspectRatio: "none",
      "aria-hidden": "true" },
      make("rect", { class: crop.weight < 0 ? "minus" : "plus", width: share, height: 8 }));
    const inside = crop.inside_share < 0.999
      ? [make("br"), `${Math.round(100 * crop.inside_share)} % in the picture`] : [];
    const weight = `${crop.weight < 0 ? "−" : "+"}${Math.abs(crop.weight).toFixed(2)}`;
    return make("figure", {},
      make("img", { src: `data:image/jpeg;base64,${crop.jpeg}`, width: 128, height: 128,
        alt: `Face crop at scale ${crop.scale}` }),
      bar, make("figcaption", {}, make("b", {}, `scale ${crop.scale}`), make("br"),
        `weight ${weight}`, ...inside));
  });
  return make("section", { class: "card" }, make("h2", {}, "What the network saw"),
    make("div", { class: "crops" }, ...figures),
    make("p", { class: "note" },
      "The same face with more and more of its surroundings. The bar shows how much each counted."));
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
  if (answer.score !== null) add("Score", `${answer.score.toFixed(4)}, accepted from ${answer.threshold.toFixed(4)} (${answer.operating_point})`);
  add("Frames", `${answer.frames.evaluated} judged of ${answer.frames.seen} looked at`);
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
