import type { ClientState } from "./client-state.ts";
import { Refusal, type Reply } from "./replies.ts";

/** SITE: HELP, and CHMOD, which clients send behind each upload of a mirror. */
export async function site(client: ClientState, command: string): Promise<Reply> {
  if (/^HELP$/i.test(command)) return { code: 214, text: "SITE CHMOD is accepted and changes nothing." };
  if (/^CHMOD( |$)/i.test(command)) return chmod(client, command.slice("CHMOD ".length));
  throw new Refusal(504, "There is no such SITE command.");
}

/** Modes are not kept: permissions come from the rules of the account. */
async function chmod(client: ClientState, argument: string): Promise<Reply> {
  const path = /^[0-7]{3,4} (.+)$/s.exec(argument)?.[1];
  if (path === undefined) throw new Refusal(501, "Expected SITE CHMOD, an octal mode and a path.");
  await client.session.acceptAttributes(client.resolve(path));
  return { code: 200, text: "Modes are not kept; nothing was changed." };
}
