import { isReason, type Reason, type Reply, replyFor } from './reply.ts'

/**
 * What the proxy answers by itself, in the form of gRPC: HTTP status 200, and the status of the call in a header that is also
 * the end of the answer ("Trailers-Only"). From an HTTP status a client would learn less: no text, and for some no more than
 * that it is UNKNOWN. What has begun and breaks off ends with such a status too, where a reset would be INTERNAL.
 */

/** As gRPC maps HTTP statuses (grpc/doc/http-grpc-status-mapping.md), and beyond it what it leaves at UNKNOWN, 2. */
const STATUS_BY_HTTP: Readonly<Record<number, number>> = {
  400: 13,
  404: 12,
  502: 14,
  503: 14,
  504: 14,
  // DEADLINE_EXCEEDED: it is the downstream that took too long.
  408: 4,
  // RESOURCE_EXHAUSTED, as gRPC itself says where a message or its metadata are too large.
  413: 8,
  414: 8,
  431: 8,
  // UNIMPLEMENTED
  405: 12,
  501: 12,
  505: 12,
}

/** Whether this content is that of gRPC; gRPC-Web is another protocol. */
export function isGrpc(contentType: unknown): boolean {
  return typeof contentType === 'string' && /^application\/grpc(?:$|[+; ])/i.test(contentType)
}

const replies = new Map<Reason, Reply>()

/** The refusal to a call. Its own status is the one it would have had: by that it is counted and logged. */
export function grpcReplyFor(reason: Reason): Reply {
  const known = replies.get(reason)
  if (known !== undefined) return known
  const { status } = replyFor(reason)
  const told = grpcStatusOf(reason) as Record<string, string>
  const headers = ['Content-Type', 'application/grpc', ...Object.entries(told).flat(), 'x-signalbox-reason', reason]
  const reply: Reply = { reason, status, sentStatus: 200, headers, body: '' }
  replies.set(reason, reply)
  return reply
}

/** The trailers of a call that the proxy ends for this reason; undefined where that is no reason that can be told. */
export function grpcStatusOf(reason: string): Record<'grpc-status' | 'grpc-message', string> | undefined {
  if (!isReason(reason)) return undefined
  const { status, message } = replyFor(reason)
  return { 'grpc-status': String(STATUS_BY_HTTP[status] ?? 2), 'grpc-message': message ?? '' }
}
