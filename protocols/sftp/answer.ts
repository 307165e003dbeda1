import { FileError } from "../../core/errors.ts";
import {
  closeHandle,
  copyData,
  handleAttributes,
  openFile,
  readFile,
  setHandleAttributes,
  setPathAttributes,
  syncFile,
  writeFile,
} from "./file-requests.ts";
import {
  expandPath,
  homeDirectory,
  makeDirectory,
  namesOfIds,
  openDirectory,
  pathAttributes,
  readDirectory,
  realPath,
  removeDirectory,
  removeFile,
  renamePath,
} from "./path-requests.ts";
import { statusCode, statusReply } from "./replies.ts";
import type { Answer, RequestContext } from "./request-context.ts";
import type { Request, RequestKind } from "./requests.ts";
import { statusOf } from "./status.ts";
import { announceLimits, checkFileByHandle, checkFileByName, storeOfHandle, storeOfPath } from "./store-requests.ts";
import { WireError } from "./wire.ts";

const answers: { readonly [Kind in RequestKind]: Answer<Kind> } = {
  open: openFile,
  close: closeHandle,
  read: readFile,
  write: writeFile,
  stat: pathAttributes,
  fstat: handleAttributes,
  setstat: setPathAttributes,
  fsetstat: setHandleAttributes,
  opendir: openDirectory,
  readdir: readDirectory,
  remove: removeFile,
  mkdir: makeDirectory,
  rmdir: removeDirectory,
  realpath: realPath,
  rename: renamePath,
  fsync: syncFile,
  statvfs: storeOfPath,
  fstatvfs: storeOfHandle,
  limits: announceLimits,
  "copy-data": copyData,
  "home-directory": homeDirectory,
  "expand-path": expandPath,
  "check-file-name": checkFileByName,
  "check-file-handle": checkFileByHandle,
  "users-groups": namesOfIds,
  unsupported: ({ what }) => {
    throw new FileError("unsupported", what);
  },
  invalid: ({ error }) => {
    throw error;
  },
};

/**
 * The reply to a request; it never rejects. Failures that nobody expected go to `onBug`, and the client is told no
 * more than that there was one.
 */
export async function answer(
  request: Request,
  context: RequestContext,
  onBug: (error: unknown) => void,
): Promise<Buffer> {
  try {
    return await (answers[request.kind] as Answer<RequestKind>)(request as never, context);
  } catch (error) {
    if (error instanceof FileError) return statusReply(request.id, statusOf(error.code), error.message);
    if (error instanceof WireError) return statusReply(request.id, statusCode.badMessage, error.message);
    onBug(error);
    return statusReply(request.id, statusCode.failure, "failure");
  }
}
