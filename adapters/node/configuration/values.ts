import { isIP, isIPv6 } from "node:net";
import { parseTimeOfDay } from "../../../core/expectation.ts";
import { parseInstant } from "../../../core/instant.ts";
import { parseVirtualPath, rootPath } from "../../../core/virtual-path.ts";
import type { Endpoint } from "./configuration.ts";
import { InvalidValue } from "./invalid-value.ts";

const maximumPort = 65_535;
const hostName = /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;

/** Reads `127.0.0.1:2222`, `[::1]:2222` or `localhost:0`. @throws InvalidValue */
export function parseEndpoint(text: string): Endpoint {
  const [, inBrackets, plain, digits = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = inBrackets ?? plain ?? "";
  if (host === "") throw new InvalidValue('expected an address and a port, such as "127.0.0.1:2222" or "[::1]:2222"');
  const isHost = inBrackets === undefined ? isIP(host) === 4 || isName(host) : isIPv6(host);
  if (!isHost) throw new InvalidValue(`${JSON.stringify(host)} is not an address or host name`);
  return { host, port: parsePort(digits) };
}

// Digits and dots alone would be an address, and one that is wrong.
function isName(host: string): boolean {
  return hostName.test(host) && !/^[\d.]+$/.test(host);
}

function parsePort(digits: string): number {
  const port = Number(digits);
  if (port > maximumPort) throw new InvalidValue(`port ${digits} is over ${maximumPort}`);
  return port;
}

/** Reads `50000-50019`, one port, or `0` for whatever the system chooses. @throws InvalidValue */
export function parsePortRange(text: string): { first: number; last: number } {
  const [, low, high] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (low === undefined) throw new InvalidValue('expected a range of ports, such as "50000-50019"');
  const first = parsePort(low);
  const last = parsePort(high ?? low);
  if (first > last) throw new InvalidValue(`the range ${text} runs backwards`);
  if (first === 0 && last !== 0) throw new InvalidValue("a range of ports cannot begin with 0");
  return { first, last };
}

/** Reads a date or a date with a time. @returns milliseconds since the epoch @throws InvalidValue */
export function parseMoment(text: string): number {
  const instantMs = parseInstant(text);
  if (instantMs !== undefined) return instantMs;
  throw new InvalidValue('expected a date of the calendar, such as "2027-01-31" or "2027-01-31T12:00:00Z"');
}

/** The virtual path of a folder. @throws InvalidValue, FileError `invalid-path` */
export function parseFolderPath(text: string): string {
  if (!text.startsWith("/")) throw new InvalidValue("a virtual folder begins with /");
  const path = parseVirtualPath(text);
  if (path === rootPath) throw new InvalidValue("the root cannot be a virtual folder: it is the home");
  return path;
}

/** Minutes since midnight. @throws InvalidValue */
export function parseDeadline(text: string): number {
  const minutes = parseTimeOfDay(text);
  if (minutes === undefined) throw new InvalidValue('expected a time of day such as "06:00"');
  return minutes;
}

/** @throws InvalidValue without the text, which may hold a password */
export function parseSmtpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSmtp = url?.protocol === "smtp:" || url?.protocol === "smtps:";
  if (!isSmtp || url.hostname === "" || !/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    throw new InvalidValue('expected the address of a mail server, such as "smtp://mail.example.com:587"');
  }
  if (!isPercentEncoded(url.username) || !isPercentEncoded(url.password)) {
    throw new InvalidValue("the user or the password in the address has a % that begins no percent-encoding");
  }
  return text;
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** @throws InvalidValue without the text, which may hold a secret */
export function parseWebhookUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.hash !== "") {
    throw new InvalidValue('expected an address such as "https://hooks.example.com/ferrygate", without user and #');
  }
  return url.href;
}

/** Text that begins with `whsec_` is base64 behind it (Standard Webhooks). @throws InvalidValue without the text */
export function checkedWebhookSecret(text: string): string {
  if (text === "") throw new InvalidValue("a secret cannot be empty");
  if (
    text.startsWith("whsec_") &&
    !/^whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
  ) {
    throw new InvalidValue("behind whsec_ there is no base64");
  }
  return text;
}

/** @throws InvalidValue without the text, which may hold a password */
export function parseEndpointUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hash !== "") {
    throw new InvalidValue('expected the address of an endpoint, such as "https://id.example.com/authenticate"');
  }
  if (!isPercentEncoded(url.username) || !isPercentEncoded(url.password)) {
    throw new InvalidValue("the user or the password in the address has a % that begins no percent-encoding");
  }
  return url.href;
}

/** True for an address of this machine (RFC 6761 §6.3, RFC 6890). */
export function isLoopbackUrl(text: string): boolean {
  const { hostname } = new URL(text);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
