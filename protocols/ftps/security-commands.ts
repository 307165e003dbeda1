import type { ClientState } from "./client-state.ts";
import { Refusal, type Reply } from "./replies.ts";

/** AUTH (RFC 4217 §4). Resolves when the handshake has ended. */
export async function auth(client: ClientState, mechanism: string): Promise<undefined> {
  if (!/^TLS(-C)?$/i.test(mechanism)) throw new Refusal(504, "Only AUTH TLS is supported.");
  if (client.tls) throw new Refusal(503, "TLS is in use already.");
  if (client.isLoggedIn) throw new Refusal(503, "AUTH comes before the login.");
  client.username = undefined;
  await client.control.send({ code: 234, text: "Start the TLS handshake." });
  await client.control.startTls();
}

/** PBSZ (RFC 4217 §8). TLS has no protection buffer, so its size is always 0. */
export function pbsz(client: ClientState): Reply {
  if (!client.tls) throw new Refusal(503, "Send AUTH TLS first.");
  client.bufferSizeAgreed = true;
  return { code: 200, text: "PBSZ=0" };
}

/** PROT (RFC 4217 §9). */
export function prot(client: ClientState, level: "C" | "P"): Reply {
  if (!client.bufferSizeAgreed) throw new Refusal(503, "Send PBSZ 0 first.");
  if (level === "C" && !client.policy.allowClearData) throw new Refusal(534, "Data connections need TLS here.");
  client.protection = level === "P" ? "private" : "clear";
  return { code: 200, text: level === "P" ? "Data connections use TLS." : "Data connections are clear." };
}

/** CCC (RFC 4217 §12.3). Commands in clear would let others choose what is transferred. */
export function ccc(): Reply {
  throw new Refusal(534, "The control connection stays under TLS.");
}
