import type { AccountingEvent } from "../../core/accounting-event.ts";

/** The record of a file that the account `tester` uploaded; it lies in the folder `tester` of the store. */
export function uploadEvent(name: string, path: string, data: AccountingEvent["data"] = {}): AccountingEvent {
  return {
    id: `upload-${name}`,
    type: "transfer.completed",
    time: "2026-11-22T12:00:00.000Z",
    server: "test",
    account: { name: "tester", groups: [] },
    protocol: "sftp",
    message: "",
    data: { path, objectKey: `tester${path}`, direction: "upload", ...data },
  };
}
