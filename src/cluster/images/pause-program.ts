/**
 * The program of the pause image: PID 1 of every pod. It ignores SIGCHLD, so the kernel reaps orphans by itself, and waits for SIGTERM
 * or SIGINT with `rt_sigtimedwait`, which needs no signal handler; then it ends with 0. The smallest ELF that does that is written here
 * instruction by instruction, so that nothing has to be downloaded and no binary stands in the repository.
 * @source System V ABI (ELF-64), Linux x86-64 system call numbers
 */
import { ClusterError } from '../cluster-error.ts';

/** x86-64 machine code, one instruction a line. */
const x64Code = [
  '31 d2', // xor edx, edx               ; struct kernel_sigaction: mask = 0,
  '52', // push rdx                       ;   restorer = 0,
  '52', // push rdx                       ;   flags = 0 (pushed high word first),
  '52', // push rdx
  '6a 01', // push 1                      ;   handler = SIG_IGN
  '6a 11', // push 17                     ; SIGCHLD
  '5f', // pop rdi
  '48 89 e6', // mov rsi, rsp
  '6a 08', // push 8                      ; size of a signal set
  '41 5a', // pop r10
  '6a 0d', // push 13                     ; rt_sigaction(SIGCHLD, &action, NULL, 8)
  '58', // pop rax
  '0f 05', // syscall
  '68 02 40 00 00', // push 0x4002        ; the set {SIGINT, SIGTERM}
  '31 ff', // xor edi, edi                ; SIG_BLOCK
  '48 89 e6', // mov rsi, rsp
  '6a 0e', // push 14                     ; rt_sigprocmask(SIG_BLOCK, &set, NULL, 8)
  '58', // pop rax
  '0f 05', // syscall
  '48 89 e7', // mov rdi, rsp             ; wait:
  '31 f6', // xor esi, esi
  '31 d2', // xor edx, edx                ;   without end
  'b8 80 00 00 00', // mov eax, 128       ; rt_sigtimedwait(&set, NULL, NULL, 8)
  '0f 05', // syscall
  '85 c0', // test eax, eax
  '78 ee', // js wait                     ; interrupted: wait again
  '31 ff', // xor edi, edi
  '6a 3c', // push 60                     ; exit(0)
  '58', // pop rax
  '0f 05', // syscall
];

const loadAddress = 0x400000n;
const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const machines: Readonly<Record<string, { readonly machine: number; readonly code: readonly string[] }>> = {
  x64: { machine: 62, code: x64Code },
};

/**
 * The pause program as an executable file's bytes.
 * @param arch Node's name of the architecture; default: this machine's
 * @throws ClusterError for an architecture that it is not written for
 */
export function pauseProgram(arch: string = process.arch): Buffer {
  const target = machines[arch];
  // GAP(pause-arm64)
  if (!target) throw new ClusterError(`not supported: there is no pause program for ${arch}; give the engine a pause image of your own`);
  const code = Buffer.from(target.code.join('').replaceAll(' ', ''), 'hex');
  const headerBytes = elfHeaderBytes + programHeaderBytes;
  const file = Buffer.alloc(headerBytes + code.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // ELF, 64 bit, little endian, version 1
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(target.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(loadAddress + BigInt(headerBytes), 24); // entry point
  file.writeBigUInt64LE(BigInt(elfHeaderBytes), 32); // program headers follow
  file.writeUInt16LE(elfHeaderBytes, 52);
  file.writeUInt16LE(programHeaderBytes, 54);
  file.writeUInt16LE(1, 56); // one of them
  file.writeUInt32LE(1, elfHeaderBytes); // PT_LOAD
  file.writeUInt32LE(5, elfHeaderBytes + 4); // readable, executable
  file.writeBigUInt64LE(loadAddress, elfHeaderBytes + 16);
  file.writeBigUInt64LE(loadAddress, elfHeaderBytes + 24);
  file.writeBigUInt64LE(BigInt(file.length), elfHeaderBytes + 32);
  file.writeBigUInt64LE(BigInt(file.length), elfHeaderBytes + 40);
  file.writeBigUInt64LE(0x1000n, elfHeaderBytes + 48); // alignment
  file.set(code, headerBytes);
  return file;
}
