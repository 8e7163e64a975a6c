import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Certificate, readAuthorities, readCertificate } from '../../config/certificate.ts'
import type { ListenConfig } from '../../config/schema.ts'
import { SignalboxError } from '../../errors.ts'
import type { TlsMaterial } from '../plan.ts'
import { ExpiryWatch } from './expiry-watch.ts'

/**
 * The certificates of all listeners, read once for all threads.
 *
 *   start    every file is read and judged; what cannot be used stops the start
 *   later    the files are looked at every few seconds; what has changed and then stayed the same for one look is read.
 *            Good: the threads show it from the next handshake on. Broken: it is told, and the old one stays
 *
 * Files are looked at, not watched: what stands behind a path may be a link that is turned around, on a file system that
 * tells nobody. A thread that starts again gets what is in use, whatever is in the files by then.
 */

/** How often the files are looked at, in ms. */
const LOOK_MS = 2000

/** Keys that protect the sessions of one listener: name, secret and key of RFC 5077, as Node wants them. */
const TICKET_KEY_BYTES = 48

type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void

/** What is read together and used or refused as one: a certificate with its key, or a file of authorities. */
interface Unit<Value> {
  readonly files: readonly string[]
  readonly read: () => { value: Value } | { fault: string }
  value: Value
  /** How the files looked when they were read last, and at the last look. */
  readAs: string
  seenAs: string
}

interface Listener {
  readonly tls: NonNullable<ListenConfig['tls']>
  readonly ticketKeys: { bytes: Buffer; authorities: string | undefined }
}

export class Certificates {
  readonly #listeners: (Listener | undefined)[]
  readonly #pairs = new Map<string, Unit<Certificate>>()
  readonly #authorities = new Map<string, Unit<string>>()
  readonly #log: Log
  readonly #expiry: ExpiryWatch
  #timer: NodeJS.Timeout | undefined

  /** Throws SBX_CERTIFICATE_INVALID where a file cannot be used. */
  constructor(listen: readonly ListenConfig[], log: Log, nowMs: () => number = Date.now) {
    this.#log = log
    this.#expiry = new ExpiryWatch(log, nowMs)
    for (const { tls } of listen) {
      if (tls === undefined) continue
      for (const { cert, key } of [tls, ...tls.sni]) this.#addPair(cert, key)
      if (tls.clientCa !== undefined) this.#addAuthorities(tls.clientCa)
    }
    this.#listeners = listen.map(({ tls }) => {
      if (tls === undefined) return undefined
      const authorities = tls.clientCa === undefined ? undefined : this.#authorities.get(tls.clientCa)?.value
      return { tls, ticketKeys: { bytes: randomBytes(TICKET_KEY_BYTES), authorities } }
    })
    this.#checkExpiry()
  }

  /** What each listener shows now; undefined for a plain one. */
  materials(): (TlsMaterial | undefined)[] {
    return this.#listeners.map(listener => listener && this.#material(listener))
  }

  /** Looks at the files from now on. Does not keep the process alive. */
  watch(onChange: () => void): void {
    if (this.#pairs.size === 0) return
    this.#timer = setInterval(() => {
      this.#checkExpiry()
      if (this.#look()) onChange()
    }, LOOK_MS)
    this.#timer.unref()
  }

  /** Reads every file again. Gives back what is wrong with those that are refused; the old ones stay in their place. */
  reload(): string[] {
    const faults = this.#units().flatMap(unit => this.#read(unit, lookAt(unit.files)).fault ?? [])
    this.#checkExpiry()
    return faults
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #units(): Unit<unknown>[] {
    return [...this.#pairs.values(), ...this.#authorities.values()]
  }

  /** True where something else is to be shown. What is still changing is left for the next look. */
  #look(): boolean {
    let hasChanged = false
    for (const unit of this.#units()) {
      const now = lookAt(unit.files)
      const isSettled = now === unit.seenAs
      unit.seenAs = now
      if (isSettled && now !== unit.readAs && this.#read(unit, now).isNew) hasChanged = true
    }
    return hasChanged
  }

  #read(unit: Unit<unknown>, seenAs: string): { isNew: boolean; fault?: string } {
    unit.readAs = seenAs
    unit.seenAs = seenAs
    const read = unit.read()
    const [file] = unit.files
    if ('fault' in read) {
      this.#log('error', 'certificate refused, the one in use stays', { cert: file, why: read.fault })
      return { isNew: false, fault: read.fault }
    }
    if (JSON.stringify(read.value) === JSON.stringify(unit.value)) return { isNew: false }
    unit.value = read.value
    this.#log('info', 'certificate replaced', { cert: file })
    return { isNew: true }
  }

  #addPair(certFile: string, keyFile: string): void {
    const read = (): { value: Certificate } | { fault: string } => readCertificate(certFile, keyFile)
    add(this.#pairs, `${certFile}\0${keyFile}`, [resolve(certFile), resolve(keyFile)], read)
    if (isOpenToAll(keyFile)) {
      this.#log('warn', 'key can be read by every user of this machine', { key: keyFile, wish: 'chmod 600' })
    }
  }

  #addAuthorities(file: string): void {
    add(this.#authorities, file, [resolve(file)], () => readAuthorities(file))
  }

  #checkExpiry(): void {
    for (const { files, value } of this.#pairs.values()) this.#expiry.check(files[0], value)
  }

  #material({ tls, ticketKeys }: Listener): TlsMaterial {
    const { clientAuth, minVersion, http2, clientCa } = tls
    const authorities = clientCa === undefined ? undefined : this.#authorities.get(clientCa)?.value
    // A session remembers that its client was accepted: under other authorities it does not go on.
    if (ticketKeys.authorities !== authorities) {
      ticketKeys.authorities = authorities
      ticketKeys.bytes = randomBytes(TICKET_KEY_BYTES)
    }
    return {
      ...{ clientAuth, minVersion, http2 },
      ...this.#shown(tls),
      sni: tls.sni.map(each => ({ hosts: each.hosts, ...this.#shown(each) })),
      ...(authorities !== undefined && { ca: authorities }),
      ticketKeys: ticketKeys.bytes,
    }
  }

  #shown(of: { cert: string; key: string }): { cert: string; key: string } {
    const { cert, key } = (this.#pairs.get(`${of.cert}\0${of.key}`) as Unit<Certificate>).value
    return { cert, key }
  }
}

function add<Value>(
  units: Map<string, Unit<Value>>,
  name: string,
  files: readonly string[],
  read: () => { value: Value } | { fault: string },
): void {
  if (units.has(name)) return
  const seenAs = lookAt(files)
  const first = read()
  if ('fault' in first) throw new SignalboxError('SBX_CERTIFICATE_INVALID', `Cannot use certificate: ${first.fault}`)
  units.set(name, { files, read, value: first.value, readAs: seenAs, seenAs })
}

/** How files look from outside: another text once they have been written or replaced. */
function lookAt(files: readonly string[]): string {
  return files
    .map(file => {
      const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
      return stat === undefined ? 'missing' : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
    })
    .join(', ')
}

function isOpenToAll(file: string): boolean {
  return ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o004) !== 0
}
