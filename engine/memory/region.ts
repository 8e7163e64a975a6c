import { randomFillSync } from 'node:crypto'
import { SignalboxError } from '../errors.ts'
import {
  AFFINITY_MAX_AT,
  type Capacity,
  CHOICE_BYTES_AT,
  CHOICE_BYTES_LIMIT,
  DICE_AT,
  HEADER_WORDS,
  LAYOUT_VERSION,
  LAYOUT_VERSION_AT,
  type Layout,
  layoutOf,
  MAGIC,
  MAGIC_AT,
  ORIGIN_MS_AT,
  ORIGIN_S_AT,
  OUTCOMES_AT,
  REGION_ID_AT,
  ROWS_LIMIT,
  ROWS_MAX_AT,
  SEATS_LIMIT,
  SEATS_MAX_AT,
  SERVICES_MAX_AT,
  TEXT_BYTES_AT,
} from './layout.ts'
import { publishEmptySlot } from './slots.ts'

/** One block of shared memory with everything a pick reads: the meeting point of the two planes. */
export interface Region {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly layout: Layout
}

/** What another thread needs to attach: plain data, structured-cloneable. */
export interface RegionHandle {
  readonly signalbox: number
  readonly region: SharedArrayBuffer
}

/** Room for what most people run. Untouched pages cost address space, not memory. */
export const DEFAULT_CAPACITY: Readonly<Capacity> = {
  rows: 1024,
  services: 32,
  seats: 32,
  textBytes: 512,
  outcomes: 4096,
  choices: 0,
  affinity: 0,
}

/**
 * Makes a region. Throws SBX_REGION_FULL when a number is outside its limits.
 *
 * rows 1…65,536 · services 1…1,024 · seats 1…254 · textBytes 128…65,536, a multiple of 8 · outcomes 64…65,536, a power of two
 * choices 0…1,073,741,824
 * affinity 0, or 64…4,194,304, a power of two
 *
 * The dice of all its threads follow from `dice`, any 32 bits.
 */
export function createRegion(wanted: Partial<Capacity> = {}, dice = 0): Region {
  const capacity = { ...DEFAULT_CAPACITY, ...wanted }
  within('rows', capacity.rows, 1, ROWS_LIMIT)
  within('services', capacity.services, 1, 1024)
  within('seats', capacity.seats, 1, SEATS_LIMIT)
  within('textBytes', capacity.textBytes, 128, 65_536)
  within('outcomes', capacity.outcomes, 64, 65_536)
  within('choices', capacity.choices, 0, CHOICE_BYTES_LIMIT)
  if (capacity.affinity !== 0) within('affinity', capacity.affinity, 64, 1 << 22)
  capacity.textBytes = Math.ceil(capacity.textBytes / 8) * 8
  powerOfTwo('outcomes', capacity.outcomes)
  powerOfTwo('affinity', capacity.affinity)
  const layout = layoutOf(capacity)
  const buffer = new SharedArrayBuffer(layout.bytes)
  const words = new Int32Array(buffer, 0, layout.textAt / 4)
  const [seconds, nanos] = process.hrtime()
  words[LAYOUT_VERSION_AT] = LAYOUT_VERSION
  words[ROWS_MAX_AT] = capacity.rows
  words[SERVICES_MAX_AT] = capacity.services
  words[SEATS_MAX_AT] = capacity.seats
  words[TEXT_BYTES_AT] = capacity.textBytes
  words[OUTCOMES_AT] = capacity.outcomes
  words[CHOICE_BYTES_AT] = capacity.choices
  words[AFFINITY_MAX_AT] = capacity.affinity
  words[DICE_AT] = dice
  words[ORIGIN_S_AT] = seconds
  words[ORIGIN_MS_AT] = Math.floor(nanos / 1e6)
  words.set(randomFillSync(new Int32Array(2)), REGION_ID_AT)
  words[MAGIC_AT] = MAGIC
  const region = { buffer, words, layout }
  publishEmptySlot(region)
  return region
}

/** Opens a region another thread made. Throws SBX_REGION_LAYOUT_MISMATCH when this build reads another shape. */
export function openRegion(handle: unknown): Region {
  const buffer = (handle as Partial<RegionHandle> | null | undefined)?.region
  if (!(buffer instanceof SharedArrayBuffer)) {
    throw new SignalboxError(
      'SBX_REGION_MISSING',
      `Cannot attach: ${describe(handle)} is not a signalbox handle, pass box.handle (for a Worker: { workerData: box.handle })`,
    )
  }
  const header = new Int32Array(HEADER_WORDS)
  if (buffer.byteLength >= HEADER_WORDS * 4) header.set(new Int32Array(buffer, 0, HEADER_WORDS))
  if (header[MAGIC_AT] !== MAGIC || header[LAYOUT_VERSION_AT] !== LAYOUT_VERSION) {
    throw new SignalboxError(
      'SBX_REGION_LAYOUT_MISMATCH',
      header[MAGIC_AT] !== MAGIC
        ? 'Cannot attach: the shared memory is not a signalbox region, pass box.handle'
        : `Cannot attach: the region has layout version ${header[LAYOUT_VERSION_AT]}, this build reads ${LAYOUT_VERSION}; ` +
            'let every thread load the same copy of signalbox',
    )
  }
  const layout = layoutOf({
    rows: header[ROWS_MAX_AT],
    services: header[SERVICES_MAX_AT],
    seats: header[SEATS_MAX_AT],
    textBytes: header[TEXT_BYTES_AT],
    outcomes: header[OUTCOMES_AT],
    choices: header[CHOICE_BYTES_AT],
    affinity: header[AFFINITY_MAX_AT],
  })
  if (buffer.byteLength !== layout.bytes) {
    throw new SignalboxError(
      'SBX_REGION_LAYOUT_MISMATCH',
      `Cannot attach: the region has ${buffer.byteLength} bytes where its header says ${layout.bytes}, pass box.handle as it is`,
    )
  }
  return { buffer, words: new Int32Array(buffer, 0, layout.textAt / 4), layout }
}

/** The same for every view of one region: a SharedArrayBuffer that was cloned to this thread twice is two objects. */
export function regionId({ words }: Region): string {
  return `${words[REGION_ID_AT]}.${words[REGION_ID_AT + 1]}`
}

/** Dice for whom nobody has said what they follow from: processes of a fleet that start together do not move in step. */
export function randomDice(): number {
  return randomFillSync(new Int32Array(1))[0]!
}

export function handleOf(region: Region): RegionHandle {
  return { signalbox: LAYOUT_VERSION, region: region.buffer }
}

function within(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new SignalboxError(
    'SBX_REGION_FULL',
    `Cannot create region: ${name} is ${value}, use a whole number from ${least} to ${most}`,
  )
}

function powerOfTwo(name: string, value: number): void {
  if ((value & (value - 1)) === 0) return
  throw new SignalboxError('SBX_REGION_FULL', `Cannot create region: ${name} is ${value}, use a power of two`)
}

function describe(value: unknown): string {
  return value === null
    ? 'null'
    : value === undefined
      ? 'undefined'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
}
