import type { TestContext } from 'node:test'
import {
  Client,
  type ClientOptions,
  credentials,
  type Deadline,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js'

/** gRPC by grpc-js on both sides. Messages are bytes: no compiler is needed for them. */

const same = (bytes: Buffer): Buffer => bytes
const way = (path: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path, requestStream, responseStream },
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
})

const SERVICE = {
  one: way('/test.Echo/One', false, false),
  gather: way('/test.Echo/Gather', true, false),
  spread: way('/test.Echo/Spread', false, true),
  chat: way('/test.Echo/Chat', true, true),
} satisfies ServiceDefinition

export type Kind = keyof typeof SERVICE

type AnyCall = {
  metadata: Metadata
  cancelled: boolean
  sendMetadata(metadata: Metadata): void
  on(event: 'cancelled', then: () => void): unknown
}

export interface GrpcServer {
  port: number
  name: string
  /** Calls that wait to be let go, in the order they came. */
  held: { letGo(): void }[]
  /** What calls were cancelled before they were answered. */
  cancelled: number
  begun: number
  /** Metadata of the last call, without what a proxy adds or the library says of itself. */
  seen: Record<string, unknown>
  server: Server
  stop(): void
}

const OF_THE_WAY =
  /^(?:x-forwarded-.*|via|x-request-id|user-agent|grpc-accept-encoding|accept-encoding|host|content-length)$/

export function plain(metadata: Metadata | undefined): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(metadata?.getMap() ?? {})) {
    if (!OF_THE_WAY.test(name) && name !== 'date') fields[name] = metadata?.get(name).map(String)
  }
  return fields
}

function metadataOf(fields: Record<string, string>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(fields)) {
    metadata.set(name, name.endsWith('-bin') ? Buffer.from(value) : value)
  }
  return metadata
}

const FAILURE = {
  code: 9,
  details: 'not now: 100 % für später',
  metadata: metadataOf({ 'x-why': 'because', 'x-why-bin': '\u0001\u0002' }),
}

/**
 * An endpoint whose calls do what their metadata `want` says: echo (as a rule), fail (at once), late (fails after its messages),
 * enough (ends after the first message of a chat),
 * hold (waits to be let go). `keys`: with TLS.
 */
export async function startGrpc(
  t: Pick<TestContext, 'after'>,
  { name = 'a', keys, options }: { name?: string; keys?: { key: Buffer; cert: Buffer }; options?: ServerOptions } = {},
): Promise<GrpcServer> {
  const server = new Server(options)
  const self: GrpcServer = {
    ...{ port: 0, name, held: [], cancelled: 0, begun: 0, seen: {}, server },
    stop: () => server.forceShutdown(),
  }
  const begin = (call: AnyCall, then: (fails: boolean) => void): void => {
    self.begun++
    self.seen = plain(call.metadata)
    call.on('cancelled', () => self.cancelled++)
    const want = String(call.metadata.get('want')[0] ?? 'echo')
    if (want === 'fail') {
      then(true)
      return
    }
    if (want === 'hold') {
      // What has begun is seen by its caller before it is held.
      call.sendMetadata(metadataOf({ 'x-head': '1', 'x-name': name }))
      self.held.push({ letGo: () => then(false) })
      return
    }
    if (want === 'mute') {
      self.held.push({ letGo: () => then(false) })
      return
    }
    call.sendMetadata(metadataOf({ 'x-head': '1', 'x-name': name }))
    then(false)
  }
  const tail = metadataOf({ 'x-tail': '2', 'x-tail-bin': '\u0003\u0004' })
  const isLate = (call: AnyCall): boolean => call.metadata.get('want')[0] === 'late'
  server.addService(SERVICE, {
    one(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      begin(call, fails => (fails ? answer(FAILURE) : answer(null, call.request, tail)))
    },
    gather(call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      begin(call, fails => {
        if (fails) return answer(FAILURE)
        let bytes = 0
        let messages = 0
        call.on('data', message => {
          bytes += message.length
          messages++
        })
        call.on('end', () => answer(null, Buffer.from(`${messages} messages, ${bytes} bytes`), tail))
      })
    },
    spread(call: ServerWritableStream<Buffer, Buffer>) {
      begin(call, async fails => {
        if (fails) return call.emit('error', FAILURE)
        const [count, bytes] = String(call.request).split(' ').map(Number)
        for (let i = 0; i < count; i++) {
          if (!call.write(Buffer.alloc(bytes, `${i}`))) await new Promise(resolve => call.once('drain', resolve))
        }
        if (isLate(call)) call.emit('error', FAILURE)
        else call.end(tail)
      })
    },
    chat(call: ServerDuplexStream<Buffer, Buffer>) {
      begin(call, fails => {
        if (fails) return call.emit('error', FAILURE)
        call.on('data', message => {
          call.write(message)
          if (call.metadata.get('want')[0] === 'enough') call.end(tail)
        })
        call.on('end', () => (isLate(call) ? call.emit('error', FAILURE) : call.end(tail)))
      })
    },
  })
  const trust = keys
    ? ServerCredentials.createSsl(null, [{ private_key: keys.key, cert_chain: keys.cert }])
    : ServerCredentials.createInsecure()
  self.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', trust, (error, port) => (error === null ? resolve(port) : reject(error))),
  )
  t.after(() => server.forceShutdown())
  return self
}

/** A client of its own connection. */
export function grpcClient(
  t: Pick<TestContext, 'after'>,
  port: number,
  ca?: Buffer,
  options: ClientOptions = {},
): Client {
  const client = new Client(
    `127.0.0.1:${port}`,
    ca === undefined ? credentials.createInsecure() : credentials.createSsl(ca),
    {
      'grpc.use_local_subchannel_pool': 1,
      // An address is no name for SNI, and newer Nodes refuse it as one.
      'grpc.ssl_target_name_override': 'here.example',
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      ...options,
    },
  )
  t.after(() => client.close())
  return client
}

/** What a caller is told. */
export interface Told {
  head: Record<string, unknown>
  messages: Buffer[]
  code: number
  details: string
  tail: Record<string, unknown>
}

export interface Asking {
  want?: string
  metadata?: Record<string, string>
  deadline?: Deadline
}

export interface Call {
  told: Promise<Told>
  /** Messages that have come so far. */
  messages: Buffer[]
  hasHead(): boolean
  write(message: Buffer): void
  end(): void
  cancel(): void
}

/** Begins a call, with these messages; one that streams is ended by hand where `isOpen`. */
export function begin(client: Client, kind: Kind, messages: Buffer[], asking: Asking = {}, isOpen = false): Call {
  const { path } = SERVICE[kind]
  const metadata = metadataOf({ ...asking.metadata, ...(asking.want !== undefined && { want: asking.want }) })
  const options = asking.deadline === undefined ? {} : { deadline: asking.deadline }
  const came: Buffer[] = []
  let head: Record<string, unknown> | undefined
  let onStatus: (told: Told) => void = () => {}
  const told = new Promise<Told>(resolve => {
    onStatus = resolve
  })
  const take = (_error: unknown, message?: Buffer): void => void (message && came.push(message))
  const call = (() => {
    switch (kind) {
      case 'one':
        return client.makeUnaryRequest(path, same, same, messages[0], metadata, options, take)
      case 'gather':
        return client.makeClientStreamRequest(path, same, same, metadata, options, take)
      case 'spread':
        return client.makeServerStreamRequest(path, same, same, messages[0], metadata, options)
      case 'chat':
        return client.makeBidiStreamRequest(path, same, same, metadata, options)
    }
  })()
  call.on('metadata', (fields: Metadata) => {
    head = plain(fields)
  })
  if ('read' in call) {
    call.on('data', (message: Buffer) => came.push(message))
    call.on('error', () => {})
  }
  call.on('status', ({ code, details, metadata: tail }: StatusObject) =>
    // A unary message is handed over after the status.
    setImmediate(() => onStatus({ head: head ?? {}, messages: came, code, details, tail: plain(tail) })),
  )
  const writable = 'write' in call ? (call as unknown as { write(message: Buffer): boolean; end(): void }) : undefined
  if (writable !== undefined) for (const message of messages) writable.write(message)
  if (!isOpen) writable?.end()
  return {
    ...{ told, messages: came },
    hasHead: () => head !== undefined,
    write: message => void writable?.write(message),
    end: () => writable?.end(),
    cancel: () => call.cancel(),
  }
}

export const call = (client: Client, kind: Kind, messages: Buffer[], asking: Asking = {}): Promise<Told> =>
  begin(client, kind, messages, asking).told
