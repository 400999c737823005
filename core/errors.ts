// Every error that Seesaw means to show, by a stable code. What each means and what to do about it
// stands in docs/errors.md, which a test holds to this table in both directions.

/** code → HTTP status, and the exit code where it ends a command (1 not as declared, 2 wrong use,
    3 not available here). */
const codes = {
  // What was named is not there.
  SCENARIO_NOT_FOUND: { status: 404, exit: 2 },
  VARIANT_NOT_FOUND: { status: 404, exit: 2 },
  BACKEND_NOT_FOUND: { status: 404, exit: 2 },
  ADAPTER_NOT_FOUND: { status: 404, exit: 2 },
  KIND_NOT_NEEDED: { status: 404, exit: 2 },
  KNOB_NOT_FOUND: { status: 404, exit: 2 },
  EXERCISE_NOT_FOUND: { status: 404, exit: 2 },
  COMPARISON_NOT_FOUND: { status: 404, exit: 2 },
  MEASUREMENT_NOT_FOUND: { status: 404, exit: 2 },
  PREDICTION_NOT_FOUND: { status: 404, exit: 2 },
  UNDO_NOT_FOUND: { status: 404, exit: 2 },
  MINE_NOT_FOUND: { status: 404, exit: 2 },
  ROUTE_NOT_FOUND: { status: 404, exit: 2 },
  // What was said makes no sense.
  SETUP_MALFORMED: { status: 400, exit: 2 },
  KNOB_OUT_OF_RANGE: { status: 400, exit: 2 },
  WRONG_USE: { status: 400, exit: 2 },
  REQUEST_MALFORMED: { status: 400, exit: 2 },
  BODY_MALFORMED: { status: 400, exit: 2 },
  BODY_INVALID: { status: 400, exit: 2 },
  BODY_TOO_LARGE: { status: 413, exit: 2 },
  PAYLOAD_REFUSED: { status: 400, exit: 2 },
  HEADERS_TOO_LARGE: { status: 431, exit: 2 },
  METHOD_NOT_ALLOWED: { status: 405, exit: 2 },
  MEDIA_TYPE_REFUSED: { status: 415, exit: 2 },
  HOST_REFUSED: { status: 403, exit: 2 },
  ORIGIN_REFUSED: { status: 403, exit: 2 },
  // This machine or its state does not allow it.
  CONFIG_INVALID: { status: 500, exit: 2 },
  SCENARIO_BROKEN: { status: 500, exit: 2 },
  PAGE_BROKEN: { status: 500, exit: 2 },
  PORT_IN_USE: { status: 500, exit: 2 },
  DATA_FOLDER_UNUSABLE: { status: 500, exit: 2 },
  DATA_FOLDER_IN_USE: { status: 500, exit: 2 },
  PROGRESS_FULL: { status: 413, exit: 2 },
  DATA_CORRUPT: { status: 503, exit: 2 },
  MEASUREMENT_UNREADABLE: { status: 400, exit: 2 },
  FILE_NOT_WRITTEN: { status: 500, exit: 2 },
  UNSAFE_BIND_REFUSED: { status: 403, exit: 2 },
  TOO_MANY_SETUPS: { status: 503, exit: 3 },
  BUSY: { status: 409, exit: 3 },
  SAVED_ELSEWHERE: { status: 409, exit: 2 },
  // Something that should run does not.
  BACKEND_UNAVAILABLE: { status: 503, exit: 3 },
  BACKEND_UNREACHABLE: { status: 503, exit: 3 },
  LAB_NOT_RUNNING: { status: 503, exit: 3 },
  WORKER_FAILED: { status: 503, exit: 3 },
  MEASUREMENT_FAILED: { status: 503, exit: 3 },
  INTERNAL: { status: 500, exit: 1 },
} as const

export type ErrorCode = keyof typeof codes
export const errorCodes = Object.keys(codes) as ErrorCode[]

/** An error that says what was wrong, with the value, and what to do about it. */
export class SeesawError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SeesawError'
    this.code = code
  }
}

export const exitCodeOf = (code: ErrorCode): number => codes[code].exit
export const statusOf = (code: ErrorCode): number => codes[code].status

/** An error as `application/problem+json` (RFC 9457). */
export interface Problem {
  type: string
  title: string
  status: number
  code: ErrorCode
  detail: string
}

/** What a person may see of `error`: its message if it is ours, and nothing but a name if not. */
export const toProblem = (error: unknown): Problem => {
  const { code, message } = asSeesawError(error)
  return {
    type: `urn:seesaw:error:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status: statusOf(code),
    code,
    detail: message,
  }
}

/** `error` itself if it is ours, otherwise an INTERNAL one with `error` as its cause. */
export const asSeesawError = (error: unknown): SeesawError =>
  error instanceof SeesawError
    ? error
    : new SeesawError(
        'INTERNAL',
        'Something went wrong inside; the terminal that runs Seesaw says what.',
        {
          cause: error,
        },
      )

export { notThere } from './did-you-mean.ts'
