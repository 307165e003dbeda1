import type { Endpoints } from "../local/front.ts";
import { type FirstStartReport, hostKeyFingerprints } from "./first-start.ts";

/** What a start prints: where it listens, and at the first start the demo passwords and what to type next. */
export async function greetingLines(
  dataDirectory: string,
  endpoints: Readonly<Endpoints>,
  firstStart: FirstStartReport | undefined,
): Promise<string[]> {
  const { sftp, http } = endpoints;
  const lines = [`Ferrygate, data in ${dataDirectory}`];
  if (sftp) {
    lines.push(`  SFTP  ${sftp.host}:${sftp.port}`);
    for (const fingerprint of await hostKeyFingerprints(dataDirectory)) lines.push(`        ${fingerprint}`);
  }
  if (endpoints.ftps) lines.push(`  FTPS  ${endpoints.ftps.host}:${endpoints.ftps.port} (explicit TLS)`);
  if (endpoints.ftpsImplicit) {
    lines.push(`        ${endpoints.ftpsImplicit.host}:${endpoints.ftpsImplicit.port} (implicit TLS)`);
  }
  if (http) lines.push(`  HTTP  ${http.url}`);
  return firstStart ? [...lines, ...nextSteps(endpoints, firstStart)] : lines;
}

function nextSteps({ sftp, http }: Readonly<Endpoints>, { accounts }: FirstStartReport): string[] {
  const [partner, admin] = [
    accounts.find(({ name }) => name !== "admin"),
    accounts.find(({ name }) => name === "admin"),
  ];
  const lines = ["", "Demo accounts, made for this machine and shown only now:"];
  for (const { name, password } of accounts) lines.push(`  ${name.padEnd(6)} ${password}`);
  lines.push("", "Try it:");
  if (sftp && partner) {
    lines.push(`  sftp -P ${sftp.port} ${partner.name}@${sftp.host}`, "  sftp> put FILE /inbox/");
  }
  if (http && partner) lines.push(`  curl -u ${partner.name} -T FILE '${http.url}/v1/files?path=/inbox/FILE'`);
  if (http && admin) lines.push(`  curl -u ${admin.name} '${http.url}/v1/events?type=transfer.completed'`);
  return lines;
}
