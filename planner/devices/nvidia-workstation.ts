import type { Device } from './device.ts'

const LOG = 'nvidia-smi --query-gpu=memory.total'
const BLACKWELL =
  'https://www.nvidia.com/content/dam/en-zz/Solutions/design-visualization/quadro-product-literature/NVIDIA-RTX-Blackwell-PRO-GPU-Architecture-v1.0.pdf'
const ADA =
  'https://images.nvidia.com/aem-dam/en-zz/Solutions/technologies/NVIDIA-ADA-GPU-PROVIZ-Architecture-Whitepaper_1.1.pdf'
const AMPERE = 'https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.1.pdf'

/** RTX cards for workstations, whose matrix units sum in float32 at full rate. */
export const NVIDIA_WORKSTATION: readonly Device[] = [
  {
    name: 'rtx-pro-6000',
    product: 'NVIDIA RTX PRO 6000 Blackwell Workstation Edition',
    aliases: ['NVIDIA RTX PRO 6000 Blackwell Server Edition'],
    vendor: 'nvidia',
    mib: 97_887,
    marketed: 96,
    gbps: 1792,
    tflops: { float32: 126, tensorFloat32: 251.9, float16: 503.8, bfloat16: 503.8 },
    capability: '12.0',
    sources: { memory: LOG, rates: BLACKWELL },
  },
  {
    name: 'rtx-pro-6000-max-q',
    product: 'NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition',
    vendor: 'nvidia',
    mib: 97_887,
    marketed: 96,
    gbps: 1792,
    tflops: { float32: 110, tensorFloat32: 219.5, float16: 438.9, bfloat16: 438.9 },
    capability: '12.0',
    sources: { memory: LOG, rates: BLACKWELL },
  },
  {
    name: 'rtx6000-ada',
    product: 'NVIDIA RTX 6000 Ada Generation',
    vendor: 'nvidia',
    mib: 49_140,
    marketed: 48,
    gbps: 960,
    tflops: { float32: 91.1, tensorFloat32: 182.1, float16: 364.2, bfloat16: 364.2 },
    capability: '8.9',
    sources: { memory: LOG, rates: ADA },
  },
  {
    name: 'rtx5000-ada',
    product: 'NVIDIA RTX 5000 Ada Generation',
    vendor: 'nvidia',
    mib: 32_760,
    marketed: 32,
    gbps: 576,
    tflops: { float32: 65.3, tensorFloat32: 130.6, float16: 261.1, bfloat16: 261.1 },
    capability: '8.9',
    sources: { memory: LOG, rates: ADA },
  },
  {
    name: 'a6000',
    product: 'NVIDIA RTX A6000',
    vendor: 'nvidia',
    mib: 49_140,
    marketed: 48,
    gbps: 768,
    tflops: { float32: 38.7, tensorFloat32: 77.4, float16: 154.8, bfloat16: 154.8 },
    capability: '8.6',
    sources: { memory: LOG, rates: AMPERE },
  },
  {
    name: 'a5000',
    product: 'NVIDIA RTX A5000',
    vendor: 'nvidia',
    mib: 24_564,
    marketed: 24,
    gbps: 768,
    tflops: { float32: 27.8, tensorFloat32: 55.6, float16: 111.1, bfloat16: 111.1 },
    capability: '8.6',
    sources: { memory: LOG, rates: 'https://www.nvidia.com/en-us/products/workstations/rtx-a5000/' },
  },
  {
    name: 'a4000',
    product: 'NVIDIA RTX A4000',
    vendor: 'nvidia',
    mib: 16_376,
    marketed: 16,
    gbps: 448,
    tflops: { float32: 19.2, tensorFloat32: 38.3, float16: 76.7, bfloat16: 76.7 },
    capability: '8.6',
    sources: { memory: LOG, rates: 'https://www.nvidia.com/en-us/products/workstations/rtx-a4000/' },
  },
]
