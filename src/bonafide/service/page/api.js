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

export function judge(token, kind, file) {
  return send(`/v1/${kind}?evidence=true`, { method: "POST", headers: bearer(token), body: file });
}

function bearer(token) {
  return { Authorization: `Bearer ${token}`, "Content-Type": "application/octet-stream" };
}
