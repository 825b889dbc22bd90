import Glibc
import LinuxKit

/// Runs one fuzz target with libFuzzer's own options: `grantwatch-fuzz TARGET [-max_total_time=600]
/// [CORPUS...]`; without a target it prints their names. Built by Tests/Fuzz/run only, with
/// `-sanitize=fuzzer`.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

nonisolated(unsafe) private var chosen: (@Sendable ([UInt8]) -> Void)?

guard CommandLine.arguments.count > 1, let target = fuzzTargets[CommandLine.arguments[1]] else {
  for name in fuzzTargets.keys.sorted() { print(name) }
  exit(CommandLine.arguments.count > 1 ? 2 : 0)
}
// Set once before the driver starts, which calls on this thread only.
chosen = target
var words = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) }
words.append(nil)
var count = Int32(words.count - 1)
let status = words.withUnsafeMutableBufferPointer { buffer in
  var base = buffer.baseAddress
  return withUnsafeMutablePointer(to: &base) { arguments in
    runDriver(&count, arguments) { bytes, length in
      chosen?(Array(UnsafeBufferPointer(start: bytes, count: length)))
      return 0
    }
  }
}
exit(status)
