// Reading QR codes from the camera: by the browser's BarcodeDetector, else by ZXing, which is loaded only then.

interface Reader {
  read(video: HTMLVideoElement): Promise<string[]>
}

declare class BarcodeDetector {
  constructor(options: { formats: string[] })
  static getSupportedFormats(): Promise<string[]>
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>
}

const EVERY_MS = 120
// A badge that is held still is one scan.
const SAME_CODE_MS = 3000
const MOST_PIXELS = 900

async function makeReader(reader: string, wasm: string): Promise<Reader> {
  if ('BarcodeDetector' in window && (await BarcodeDetector.getSupportedFormats()).includes('qr_code')) {
    const detector = new BarcodeDetector({ formats: ['qr_code'] })
    return { read: async video => (await detector.detect(video)).map(found => found.rawValue) }
  }
  const module: { readCodes(image: ImageData): Promise<string[]>; prepare(wasm: string): void } = await import(reader)
  module.prepare(wasm)
  const canvas = document.createElement('canvas')
  const drawing = canvas.getContext('2d', { willReadFrequently: true })!
  return {
    read: video => {
      const scale = Math.min(1, MOST_PIXELS / Math.max(video.videoWidth, video.videoHeight))
      canvas.width = Math.round(video.videoWidth * scale)
      canvas.height = Math.round(video.videoHeight * scale)
      drawing.drawImage(video, 0, 0, canvas.width, canvas.height)
      return module.readCodes(drawing.getImageData(0, 0, canvas.width, canvas.height))
    },
  }
}

/** Shows the camera and calls `found` for each code, until the returned function is called. */
export async function startCamera(
  video: HTMLVideoElement, addresses: { reader: string; wasm: string }, found: (code: string) => void,
): Promise<() => void> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } },
  })
  const stop = () => stream.getTracks().forEach(track => track.stop())
  let isOn = true
  try {
    video.srcObject = stream
    await video.play()
    const reader = await makeReader(addresses.reader, addresses.wasm)
    const seen = new Map<string, number>()
    const look = async () => {
      if (!isOn) return
      try {
        for (const code of video.videoWidth ? await reader.read(video) : []) {
          const now = Date.now()
          if (now - (seen.get(code) ?? 0) > SAME_CODE_MS) found(code)
          seen.set(code, now)
        }
      } catch {
        // A picture that cannot be read says nothing about the next.
      }
      setTimeout(look, EVERY_MS)
    }
    void look()
  } catch (error) {
    stop()
    throw error
  }
  return () => {
    isOn = false
    stop()
    video.srcObject = null
  }
}
