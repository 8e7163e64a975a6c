import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { TestContext } from 'node:test'
import {
  type DnsRecord,
  decodeMessage,
  encodeName,
  type Question,
  TYPES,
  words,
} from '../../agents/node-discovery/names/dns-wire.ts'

/** What a name server has to say to a question: records, that there are none, that there is no such name, or nothing at all. */
export type Reply = readonly DnsRecord[] | 'no-name' | 'broken' | 'silent'

const CODES = { 'no-name': 3, broken: 2 } as const

/** A message that answers. */
export function encodeAnswer(
  id: number,
  questions: readonly Question[],
  records: readonly DnsRecord[],
  code = 0,
): Buffer {
  return Buffer.concat([
    words(id, 0x8400 | code, questions.length, records.length, 0, 0),
    ...questions.flatMap(({ name, type }) => [encodeName(name), words(TYPES[type], 1)]),
    ...records.flatMap(encodeRecord),
  ])
}

function encodeRecord(record: DnsRecord): Buffer[] {
  const data = encodeData(record)
  return [
    encodeName(record.name),
    words(TYPES[record.type], 1, record.ttlS >>> 16, record.ttlS & 0xffff, data.length),
    data,
  ]
}

function encodeData(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number))
    case 'AAAA':
      // Groups in full: tests write them so.
      return words(...record.address.split(':').map(group => Number.parseInt(group, 16)))
    case 'PTR':
      return encodeName(record.target)
    case 'SRV':
      return Buffer.concat([words(record.priority, record.weight, record.port), encodeName(record.target)])
  }
}

/** A name server on loopback that answers as it is told; says what it was asked. */
export async function dnsServer(
  t: TestContext,
  reply: (question: Question) => Reply,
): Promise<{ server: string; asked: Question[] }> {
  const asked: Question[] = []
  const socket = createSocket('udp4')
  socket.on('message', (bytes, from) => {
    const message = decodeMessage(bytes)
    const [question] = message?.questions ?? []
    if (message === undefined || question === undefined) return
    asked.push(question)
    const replied = reply(question)
    if (replied === 'silent') return
    const isRecords = typeof replied !== 'string'
    const answer = encodeAnswer(message.id, [question], isRecords ? replied : [], isRecords ? 0 : CODES[replied])
    socket.send(answer, from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  return { server: `127.0.0.1:${socket.address().port}`, asked }
}

/** Somebody in a group who answers, to whoever asked and to nobody else. */
export async function neighbour(
  t: TestContext,
  group: { address: string; port: number },
  onQuestion: (questions: readonly Question[], answer: (records: readonly DnsRecord[]) => void) => void,
): Promise<void> {
  const socket: Socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (bytes, from: RemoteInfo) => {
    const message = decodeMessage(bytes)
    if (message === undefined || message.isAnswer) return
    onQuestion(message.questions, records => socket.send(encodeAnswer(0, [], records), from.port, from.address))
  })
  await new Promise<void>(resolve => socket.bind(group.port, resolve))
  socket.addMembership(group.address, '127.0.0.1')
  t.after(() => socket.close())
}
