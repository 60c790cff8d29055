// ZXing in WebAssembly, served by us. Loaded by the camera where the browser reads no codes itself.

import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'

export function prepare(wasm: string): void {
  void prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true })
}

export async function readCodes(image: ImageData): Promise<string[]> {
  const found = await readBarcodes(image, { formats: ['QRCode'], maxNumberOfSymbols: 4 })
  return found.filter(code => code.isValid).map(code => code.text)
}
