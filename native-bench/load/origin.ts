import { compiled } from '../baseline/compile.ts'
import { type Program, startProgram } from './programs.ts'

/** Bytes of the bodies that the origin answers with, by their paths. */
export const BODIES = { '/small': 100, '/16KiB': 16_384 } as const

/** The origin of native/origin.cc; undefined where it cannot be compiled. It is made for Linux. */
export async function startOrigin(): Promise<Program | undefined> {
  const program = process.platform === 'linux' ? await compiled('origin', 'load') : undefined
  return program === undefined ? undefined : startProgram(program, port => [String(port)], 'load')
}
