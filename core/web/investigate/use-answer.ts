// What a GET answers, for a part of a screen: asked when the part appears or asks for something else.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { api, wordsOf } from '../api.ts'

const known = new Map<string, unknown>()

/**
 * The answer at `path`, as it was the last time until it was asked for again; both absent at first, and
 * while there is no path.
 */
export const useAnswer = <T>(path: string | undefined): { answer?: T; problem?: string } => {
  const asked = useSignal({ path, problem: '', times: 0 })
  useEffect(() => {
    if (!path) return
    const gone = new AbortController()
    api.get<T>(path, gone.signal).then(
      (answer) => {
        known.set(path, answer)
        asked.value = { path, problem: '', times: asked.peek().times + 1 }
      },
      (error: unknown) => {
        if (!gone.signal.aborted)
          asked.value = { path, problem: wordsOf(error), times: asked.peek().times + 1 }
      },
    )
    return () => gone.abort()
  }, [path])
  const { problem } = asked.value
  if (!path) return {}
  if (problem && asked.value.path === path) return { problem }
  return known.has(path) ? { answer: known.get(path) as T } : {}
}
