import { randomUUID } from "node:crypto";
import type { Upload } from "../../service/session/upload.ts";
import type { ClientState } from "./client-state.ts";
import { receive } from "./receive.ts";
import { Refusal, type Reply } from "./replies.ts";
import { blocksOf, send } from "./send.ts";
import { Transfer, type TransferPlan } from "./transfer.ts";

/** Makes the plan of a transfer whose data port is there; whatever is wrong with the plan, the port is given back. */
export async function planTransfer(client: ClientState, plan: () => Promise<TransferPlan>): Promise<Transfer> {
  const data = client.takeDataPort();
  try {
    return new Transfer(await plan(), data);
  } catch (error) {
    data.port.leaveToClient(data.limits.ftpsLingerMs);
    throw error;
  }
}

/** RETR, from the offset of a REST before it. */
export async function retr(client: ClientState, path: string): Promise<Transfer> {
  const offset = client.takeRestartOffset();
  return planTransfer(client, async () => {
    const target = client.resolve(path);
    const download = await client.session.download(target);
    const { size } = download.entry;
    if (offset > size) {
      await download.abort("the offset is behind the end");
      throw new Refusal(554, `The file has ${size} bytes.`);
    }
    return {
      announcement: `Sending ${target} (${size - offset} bytes).`,
      direction: "send",
      move: (socket, progressed) => send(socket, blocksOf(download, offset), progressed),
      complete: async () => {
        await download.close();
        return "The file is sent.";
      },
      abort: (reason) => download.abort(reason),
    };
  });
}

/**
 * STOR. Behind REST it writes over an existing file from there on and keeps what lies beyond (RFC 3659 §5), or goes on
 * with what is kept of an upload that broke off.
 */
export async function stor(client: ClientState, path: string): Promise<Transfer> {
  const offset = client.takeRestartOffset();
  return store(client, path, offset > 0 ? "update" : "replace", offset);
}

/** APPE: behind what is there; an offset would say the same once more. */
export async function appe(client: ClientState, path: string): Promise<Transfer> {
  client.takeRestartOffset();
  return store(client, path, "append", 0);
}

/** STOU: a name that no file has, made from the given one (RFC 959 §4.1.3; RFC 1123 §4.1.2.9 has it in the 150). */
export async function stou(client: ClientState, suggestion: string | undefined): Promise<Transfer> {
  client.takeRestartOffset();
  return store(client, `${suggestion ?? "file"}.${randomUUID()}`, "create", 0);
}

type Mode = "replace" | "create" | "update" | "append";

async function store(client: ClientState, path: string, mode: Mode, offset: number): Promise<Transfer> {
  return planTransfer(client, async () => {
    const target = client.resolve(path);
    const upload = await client.session.upload(target, { mode });
    if (mode === "update" && offset > upload.size) {
      await upload.interrupt("the offset is behind the end");
      throw new Refusal(554, `The file has ${upload.size} bytes.`);
    }
    return {
      announcement: mode === "create" ? `FILE: ${target}` : `Receiving ${target}.`,
      direction: "receive",
      move: (socket, progressed) =>
        receive(socket, offset, (position, chunk) => upload.write(position, chunk), progressed),
      complete: () => commit(upload),
      abort: (reason) => upload.abort(reason),
      interrupt: (reason) => upload.interrupt(reason),
    };
  });
}

async function commit(upload: Upload): Promise<string> {
  const receipt = await upload.commit();
  return receipt ? `Stored ${receipt.bytes} bytes, SHA-256 ${receipt.sha256}.` : "Nothing was changed.";
}

/** ABOR (RFC 959 §4.1.3): the transfer answers 426 first, unless its data was complete already. */
export async function abor(client: ClientState): Promise<Reply> {
  client.closeDataPort();
  client.transfer?.cancel(new Refusal(426, "The transfer is aborted."));
  await client.transferFinished;
  return { code: 226, text: "No transfer is under way." };
}
