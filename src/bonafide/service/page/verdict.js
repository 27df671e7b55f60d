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
  const stages = Object.entries(answer.stages);
  for (const [name, stage] of stages) place.append(...drawStage(name, stage));
  if (!stages.length && answer.score !== null) place.append(scale(answer.score, answer.threshold));
  if (answer.reasons.length) {
    place.append(make("ul", { class: "reasons", "aria-label": "What to know" },
      ...answer.reasons.map((reason) => make("li", { class: reason.severity }, reason.advice))));
  }
}

export const STAGES = { d_net: "Depth", m_net: "Colour and infrared" };

function drawStage(name, stage) {
  const title = make("h2", { class: "stage-name" }, STAGES[name] ?? name);
  if (stage.score === null) {
    return [title, make("p", { class: "note" }, "Not asked: the stage before had rejected.")];
  }
  return [title, scale(stage.score, stage.threshold)];
}

function scale(score, threshold) {
  const at = (value) => 4 + 312 * Math.min(Math.max(value, 0), 1);
  const label = `Score ${score.toFixed(2)} of 1; accepted from ${threshold.toFixed(2)}`;
  const limit = Math.min(Math.max(at(threshold), 102), 234); // clear of the words at the ends
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
