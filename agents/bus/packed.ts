/**
 * Plain values as bytes: what telemetry is made of, faster than a structured clone, because an array of like objects with numbers in
 * them is written as a table: names once, then numbers.
 *
 *   value    tag, then …
 *   number   NUMBER  8 bytes
 *   text     TEXT    length, bytes (one for each character below 256)   ·   WIDE  length, UTF-16 units
 *   array    LIST    length, values
 *   object   RECORD  length, names and values in turn
 *   table    TABLE   rows, names joined by ",", 8 bytes for each number, row by row
 *   null, true, false, undefined: a tag alone
 *
 * Lengths are 32 bits, everything is little-endian and unaligned. Whoever packs and whoever unpacks run the same build: there is no
 * version in it, and nothing is checked when it is unpacked.
 */

const NULL = 0
const UNDEFINED = 1
const TRUE = 2
const FALSE = 3
const NUMBER = 4
const TEXT = 5
const WIDE = 6
const LIST = 7
const RECORD = 8
const TABLE = 9

/** The one name that is no plain name: what is set by it is not a property. */
const PROTO = '__proto__'

/** Deeper values go another way. */
const DEPTH_MAX = 16

/** Packs into memory of its own, one value at a time, of `bytesMax` at most. */
export class Packer {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytesMax: number) {
    this.bytes = new Uint8Array(bytesMax)
    this.#view = new DataView(this.bytes.buffer)
  }

  /**
   * Packs a value; returns how many of `bytes` it takes, or -1: it is too long, too deep, or has something in it that is not plain (a
   * Map, a Date, a bigint, an object of a class).
   */
  pack(value: unknown): number {
    this.#at = 0
    return this.#value(value, DEPTH_MAX) ? this.#at : -1
  }

  #value(value: unknown, levels: number): boolean {
    if (typeof value === 'number') return this.#number(value)
    if (typeof value === 'string') return this.#text(value)
    if (value === null) return this.#tag(NULL)
    if (value === undefined) return this.#tag(UNDEFINED)
    if (typeof value === 'boolean') return this.#tag(value ? TRUE : FALSE)
    if (typeof value !== 'object' || levels === 0) return false
    if (Array.isArray(value)) return this.#table(value) || this.#list(value, levels)
    return isRecord(value) && this.#record(value, levels)
  }

  #tag(tag: number): boolean {
    if (this.#at >= this.bytes.length) return false
    this.bytes[this.#at++] = tag
    return true
  }

  /** A tag with a length after it, and room for so many bytes more. */
  #head(tag: number, length: number, more: number): boolean {
    if (this.#at + 5 + more > this.bytes.length) return false
    this.bytes[this.#at] = tag
    this.#view.setUint32(this.#at + 1, length, true)
    this.#at += 5
    return true
  }

  #number(value: number): boolean {
    if (this.#at + 9 > this.bytes.length) return false
    this.bytes[this.#at] = NUMBER
    this.#view.setFloat64(this.#at + 1, value, true)
    this.#at += 9
    return true
  }

  #text(text: string): boolean {
    const { length } = text
    const begin = this.#at
    if (!this.#head(TEXT, length, length)) return false
    const { bytes } = this
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 255) {
        this.#at = begin
        return this.#wide(text)
      }
      bytes[this.#at + i] = unit
    }
    this.#at += length
    return true
  }

  #wide(text: string): boolean {
    const { length } = text
    if (!this.#head(WIDE, length, 2 * length)) return false
    for (let i = 0; i < length; i++) this.#view.setUint16(this.#at + 2 * i, text.charCodeAt(i), true)
    this.#at += 2 * length
    return true
  }

  #list(values: readonly unknown[], levels: number): boolean {
    if (!this.#head(LIST, values.length, 0)) return false
    for (const value of values) if (!this.#value(value, levels - 1)) return false
    return true
  }

  #record(record: Plain, levels: number): boolean {
    const names = Object.keys(record)
    if (!this.#head(RECORD, names.length, 0)) return false
    for (const name of names) {
      if (name === PROTO || !this.#text(name) || !this.#value(record[name], levels - 1)) return false
    }
    return true
  }

  /** Leaves everything as it was when the values are no table, or one that is too long. */
  #table(rows: readonly unknown[]): boolean {
    const begin = this.#at
    const names = namesOf(rows[0])
    if (names === undefined || !this.#head(TABLE, rows.length, 0) || !this.#text(names.join())) return this.#back(begin)
    let at = this.#at
    if (at + 8 * rows.length * names.length > this.bytes.length) return this.#back(begin)
    for (const row of rows) {
      if (!isRecord(row)) return this.#back(begin)
      let column = 0
      // The quickest way there is to read all that an object has; that nothing is inherited was asked above.
      for (const name in row) {
        const value = row[name]
        if (names[column++] !== name || typeof value !== 'number') return this.#back(begin)
        this.#view.setFloat64(at, value, true)
        at += 8
      }
      if (column !== names.length) return this.#back(begin)
    }
    this.#at = at
    return true
  }

  #back(begin: number): false {
    this.#at = begin
    return false
  }
}

type Plain = Readonly<Record<string, unknown>>

function isRecord(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** The names of a row that a table can begin with. */
function namesOf(row: unknown): string[] | undefined {
  if (!isRecord(row)) return undefined
  const names = Object.keys(row)
  return names.length === 0 || names.some(name => name.includes(',') || name === PROTO) ? undefined : names
}

/** Unpacks what a Packer has packed, from memory that may be shared: nothing of the value is a view of it. */
export class Unpacker {
  readonly #bytes: Buffer
  readonly #view: DataView
  #at = 0

  constructor(memory: ArrayBufferLike) {
    this.#bytes = Buffer.from(memory)
    this.#view = new DataView(memory)
  }

  /** The value that begins at this byte. */
  unpack(offset: number): unknown {
    this.#at = offset
    return this.#value()
  }

  #value(): unknown {
    switch (this.#bytes[this.#at++]) {
      case NULL:
        return null
      case TRUE:
        return true
      case FALSE:
        return false
      case NUMBER:
        return this.#number()
      case TEXT:
        return this.#text()
      case WIDE:
        return this.#wide()
      case LIST:
        return Array.from({ length: this.#length() }, () => this.#value())
      case RECORD:
        return this.#record()
      case TABLE:
        return this.#table()
      default:
        return undefined
    }
  }

  #length(): number {
    const length = this.#view.getUint32(this.#at, true)
    this.#at += 4
    return length
  }

  #number(): number {
    const value = this.#view.getFloat64(this.#at, true)
    this.#at += 8
    return value
  }

  #text(): string {
    const length = this.#length()
    const begin = this.#at
    this.#at += length
    return this.#bytes.toString('latin1', begin, this.#at)
  }

  #wide(): string {
    const length = this.#length()
    const begin = this.#at
    this.#at += 2 * length
    return this.#bytes.toString('utf16le', begin, this.#at)
  }

  #record(): Plain {
    const record: Record<string, unknown> = {}
    for (let left = this.#length(); left > 0; left--) {
      const name = this.#value() as string
      record[name] = this.#value()
    }
    return record
  }

  #table(): Plain[] {
    const length = this.#length()
    const names = (this.#value() as string).split(',')
    const rows: Plain[] = []
    for (let at = 0; at < length; at++) {
      const row: Record<string, number> = {}
      for (const name of names) row[name] = this.#number()
      rows.push(row)
    }
    return rows
  }
}
