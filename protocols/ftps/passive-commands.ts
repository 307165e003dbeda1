import type { ClientState } from "./client-state.ts";
import { formatHostPort, networkProtocolOf } from "./network-address.ts";
import { Refusal, type Reply } from "./replies.ts";

/** PASV (RFC 959 §4.1.2). */
export async function pasv(client: ClientState): Promise<Reply> {
  if (client.extendedPassiveOnly) throw new Refusal(503, "Only EPSV after EPSV ALL.");
  const address = client.passiveAddress;
  if (address === undefined) throw new Refusal(425, "PASV cannot name an IPv6 address; send EPSV.");
  const port = await client.openDataPort();
  return { code: 227, text: `Entering Passive Mode (${formatHostPort(address, port.number)}).` };
}

/** EPSV (RFC 2428 §3). The client connects to the address that it knows, so only the protocol it runs on will do. */
export async function epsv(client: ClientState, protocol: undefined | "all" | number): Promise<Reply> {
  if (protocol === "all") {
    client.extendedPassiveOnly = true;
    return { code: 200, text: "Only EPSV from here on." };
  }
  const own = networkProtocolOf(client.control.peer.address);
  if (protocol !== undefined && protocol !== own) {
    throw new Refusal(522, `Network protocol not supported, use (${own})`);
  }
  const port = await client.openDataPort();
  return { code: 229, text: `Entering Extended Passive Mode (|||${port.number}|)` };
}

/** PORT and EPRT: a server that connects where a client says can be sent against others (RFC 2577 §2). */
export function activeMode(): Reply {
  throw new Refusal(502, "Active mode is not supported; send EPSV or PASV.");
}
