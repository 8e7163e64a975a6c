import { askHttp1 } from './ask-http1.ts'
import { askHttp2 } from './ask-http2.ts'
import type { Listener, Question } from './question.ts'

/** Asks with GET. Returns what takes the question back. */
export function ask(question: Question, listener: Listener): () => void {
  return question.upstream?.isHttp2 === true ? askHttp2(question, listener) : askHttp1(question, listener)
}
