import type { VirtualPath } from "../../core/virtual-path.ts";
import type { DispatchServices } from "../dispatch/dispatch-services.ts";
import type { DispatchedFile } from "../dispatch/dispatched-file.ts";
import { Recorder } from "../session/recorder.ts";
import { TransferRecord } from "../session/transfer.ts";
import type { RemoteTurn } from "./remote-transfer.ts";

/** The record of a push. Whoever goes on with it has the same, so that it begins and ends once. */
export function pushTrail(
  services: DispatchServices,
  { file, groups }: { readonly file: DispatchedFile; readonly groups: readonly string[] },
  { transferId, path }: { readonly transferId: string; readonly path: VirtualPath },
  { destination }: { readonly destination: Pick<RemoteTurn["destination"], "name"> },
): TransferRecord {
  const recorder = new Recorder(services, { protocol: "system" });
  recorder.account = { name: file.accountName, groups };
  return new TransferRecord(services, recorder, {
    path: file.path,
    objectKey: file.objectKey,
    direction: "download",
    transferId,
    remote: { destination: destination.name, remotePath: path },
  });
}
