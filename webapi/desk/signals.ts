// Sound and vibration of an answer. Each kind has its own, so that nobody needs to look.

export type Kind = 'ok' | 'wait' | 'no'

// Tones as [hertz, start, length in seconds]; vibration in milliseconds on and off.
const TONES: Record<Kind, [number, number, number][]> = {
  ok: [[880, 0, 0.09], [1320, 0.09, 0.14]],
  wait: [[520, 0, 0.14], [520, 0.22, 0.14]],
  no: [[190, 0, 0.4]],
}
const PATTERNS: Record<Kind, number[]> = { ok: [60], wait: [80, 80, 80], no: [350] }
const MUTED = 'meeteasy-desk:muted'

let context: AudioContext | undefined

export const isMuted = () => {
  try {
    return localStorage.getItem(MUTED) === '1'
  } catch {
    return false
  }
}

export function mute(on: boolean): void {
  try {
    localStorage.setItem(MUTED, on ? '1' : '0')
  } catch {
    // Without storage it holds for this page only.
  }
}

export function signal(kind: Kind): void {
  if (isMuted()) return
  navigator.vibrate?.(PATTERNS[kind])
  try {
    context ??= new AudioContext()
    void context.resume()
    for (const [hertz, start, length] of TONES[kind]) {
      const oscillator = context.createOscillator()
      const volume = context.createGain()
      oscillator.frequency.value = hertz
      oscillator.type = kind === 'no' ? 'square' : 'sine'
      const from = context.currentTime + start
      volume.gain.setValueAtTime(0.25, from)
      volume.gain.exponentialRampToValueAtTime(0.001, from + length)
      oscillator.connect(volume).connect(context.destination)
      oscillator.start(from)
      oscillator.stop(from + length)
    }
  } catch {
    // No sound here; word, icon and vibration say the same.
  }
}
