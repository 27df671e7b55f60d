// What the page asks of the service. Every call gives {ok, status, body}; none throws but for a
// lost connection, which is worded like a refusal.

const LOST = {
  code: "connection_lost",
  problem: "The service could not be reached.",
  remedy: "Check the connection and try again.",
};

async function send(path, options) {
  try {
    const response = await fetch(path, { cache: "no-store", credentials: "omit", ...options });
    const body = await response.json().catch(() => LOST);
    return { ok: response.ok, status: response.status, body };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { ok: false, status: 0, body: LOST };
  }
}

export function about() {
  return send("/v1/model");
}

export function startSession() {
  return send("/v1/sessions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ evidence: true }),
  });
}

export function guidance(token, picture, signal) {
  return send("/v1/guidance", { method: "POST", headers: bearer(token), body: picture, signal });
}

// body: a file, or a FormData of several; unit: millimetres of a depth level, "" for the model's own.
export function judge(token, kind, body, unit = "") {
  const query = new URLSearchParams({ evidence: "true" });
  if (unit) query.set("depth_mm_per_level", unit);
  const headers = bearer(token);
  if (body instanceof FormData) delete headers["Content-Type"]; // the browser knows the boundary
  return send(`/v1/${kind}?${query}`, { method: "POST", headers, body });
}

function bearer(token) {
  return { Authorization: `Bearer ${token}`, "Content-Type": "application/octet-stream" };
}
