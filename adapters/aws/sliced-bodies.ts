import { Readable } from "node:stream";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { limits } from "../../core/limits.ts";

type Handle = NodeHttpHandler["handle"];

/**
 * Sends a large body in slices. TLS encrypts what it is given at once into memory of its own, so that a part written
 * whole costs twice its size and half as much time again. Every try of a request slices the body anew.
 */
export class SlicedBodyHandler extends NodeHttpHandler {
  override handle(request: Parameters<Handle>[0], options?: Parameters<Handle>[1]): ReturnType<Handle> {
    const { body } = request;
    if (!Buffer.isBuffer(body) || body.length <= limits.storeSendBytes) return super.handle(request, options);
    const sliced = Object.assign(Object.create(Object.getPrototypeOf(request)), request, { body: streamOf(body) });
    return super.handle(sliced, options);
  }
}

function streamOf(body: Buffer): Readable {
  let sent = 0;
  return new Readable({
    highWaterMark: 1,
    read() {
      const slice = body.subarray(sent, sent + limits.storeSendBytes);
      sent += slice.length;
      this.push(slice.length > 0 ? slice : null);
    },
  });
}
