import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Connection } from '../downstream/connection.ts'
import { StreamRequest } from '../downstream/downstream-http2.ts'
import type { Front } from '../front.ts'
import { appendForwarded, isSecureClient } from '../message/forwarded.ts'
import { type RequestHead, readRequestHead } from '../message/headers.ts'
import type { Reason } from '../message/reply.ts'
import { isHost, readTarget, type Target } from '../message/target.ts'
import type { Split } from '../routes/split.ts'
import { Exchange, type Sending } from './exchange.ts'
import { RequestBody } from './request-body.ts'
import type { Upgrading } from './upgrade.ts'

/**
 * Takes a request in: what it asks for, whether that may be asked, which service answers, what is sent there. From then
 * on the Exchange sees it through.
 */
export function takeRequest(
  front: Front,
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  upgrading?: Upgrading,
): void {
  const exchange = new Exchange(front, connection, request, response)
  if (upgrading !== undefined) exchange.isLast = true
  const method = request.method as string
  const url = request.url as string
  const head = readRequestHead(request.rawHeaders, connection.isTrusted)
  // What calls itself HTTP/2 on a connection of HTTP/1.1 is none.
  const asked: IncomingMessage | StreamRequest = request
  const hasBody =
    asked instanceof StreamRequest
      ? asked.hasBody
      : head.coding !== undefined || (head.length !== '' && Number(head.length) > 0)
  exchange.name(head, url, hasBody)

  const target = url.length > front.limits.urlBytes ? undefined : readTarget(method, url)
  const fault = findFault(front, connection, request, head, target)
  if (fault !== undefined) {
    exchange.refuse(fault)
    return
  }
  const { path, authority } = target as Target
  const host = authority ?? head.host

  if (path === '*') {
    exchange.answerEmpty()
    return
  }
  const isSecure = isSecureClient(connection, head.claims, front.trusted)
  const to = front.routes.find(host, path, request, isSecure)
  if (to === undefined) {
    exchange.refuse('no-route')
    return
  }
  if (to.answer !== undefined) {
    exchange.telling.route = to.name
    exchange.answer(to.answer.reply(host, path, isSecure))
    return
  }
  const { headers } = head
  if ((method === 'OPTIONS' || method === 'TRACE') && countDown(headers)) {
    if (method === 'OPTIONS') exchange.answerEmpty()
    else exchange.refuse('method-not-allowed')
    return
  }

  const lane = to.lane ?? (to.split as Split).draw(request, path, exchange.telling)
  const { rewrite, mirror } = lane
  const sentHost = rewrite?.host ?? (head.hosts === 1 || authority !== undefined ? host : undefined)
  if (sentHost !== undefined) headers.push('Host', sentHost)
  appendForwarded(headers, front.forwarded, connection, host, head.claims, front.trusted)
  headers.push('Via', viaOf(request))
  exchange.telling.sendOn(headers)
  lane.requestEdits?.apply(headers)
  const sending: Sending = {
    path: rewrite === undefined ? path : rewrite.target(path),
    method: method as Sending['method'],
    headers,
    body: hasBody
      ? new RequestBody(request, expectsContinue ? response : undefined, front.limits.bodyBytes, exchange)
      : null,
    upgrade: upgrading?.protocol,
  }
  if (upgrading !== undefined) exchange.takeEarly(upgrading.early)
  exchange.begin(lane, sending, isSecure)
  mirror?.copy(sending, request, exchange.telling)
}

function viaOf({ httpVersionMajor, httpVersionMinor }: IncomingMessage): string {
  if (httpVersionMajor === 2) return '2.0 signalbox'
  return httpVersionMinor === 0 ? '1.0 signalbox' : '1.1 signalbox'
}

/** What is wrong with a request, first things first; undefined where nothing is. */
function findFault(
  front: Front,
  connection: Connection,
  request: IncomingMessage,
  head: RequestHead,
  target: Target | undefined,
): Reason | undefined {
  const { limits } = front
  // The parser also takes 0.9, which ends without a length, and 2.0, which is another protocol.
  if (request.httpVersionMajor !== 1 && !((request as unknown) instanceof StreamRequest)) return 'http-version'
  if ((request.url as string).length > limits.urlBytes) return 'url-too-long'
  if (request.rawHeaders.length > limits.headers * 2) return 'too-many-headers'
  if (head.bytes > limits.headerBytes) return 'header-too-large'
  if (target === undefined) return 'bad-request'
  if (head.hosts !== 1 && (head.hosts > 1 || request.httpVersionMinor !== 0)) return 'bad-host'
  if (head.host !== connection.goodHost) {
    if (!isHost(head.host)) return 'bad-host'
    connection.goodHost = head.host
  }
  if (head.coding !== undefined) {
    // HTTP/1.0 knows no transfer codings: who sends one there may mean another message than the next hop reads.
    if (request.httpVersionMinor === 0 || head.length !== '') return 'bad-request'
    // Where chunked is not the last coding, nobody knows where the body ends.
    if (!/^chunked$/i.test(head.coding)) return /[\t ,]chunked$/i.test(head.coding) ? 'transfer-coding' : 'bad-request'
  } else if (limits.bodyBytes > 0 && Number(head.length) > limits.bodyBytes) {
    return 'body-too-large'
  }
  return undefined
}

/** Counts Max-Forwards down. True when the request is not to go any further. */
function countDown(headers: string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i].toLowerCase() !== 'max-forwards' || !/^\d{1,9}$/.test(headers[i + 1])) continue
    const left = Number(headers[i + 1])
    if (left === 0) return true
    headers[i + 1] = String(left - 1)
  }
  return false
}
