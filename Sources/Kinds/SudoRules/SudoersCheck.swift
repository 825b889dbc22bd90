internal import ByteText
internal import LinuxKit

/// What visudo(8) says of a sudoers file.
enum SudoersCheck {
  static let tool = "/usr/sbin/visudo"

  /// Why visudo refuses the text; nil when it does not. Includes are left out: below another root
  /// visudo would follow this host's.
  static func refusal(_ bytes: [UInt8]) -> String? {
    let text = SudoersText(bytes).withoutIncludes
    return refusal(Spawn.runAndWait(tool, ["-c", "-f", "-"], input: text + [0x0a]))
  }

  /// True when visudo refuses the text; false as well when it cannot be asked.
  static func isRefused(_ bytes: [UInt8]) -> Bool {
    let text = SudoersText(bytes).withoutIncludes
    let result = Spawn.runAndWait(tool, ["-c", "-f", "-"], input: text + [0x0a])
    if case .exited(let status) = result.status { return status != 0 }
    return false
  }

  /// As the first, of a file as it lies on the disk, if it includes nothing.
  static func refusal(_ bytes: [UInt8], at path: String) -> String? {
    guard SudoersText(bytes).lines.allSatisfy({ $0.include == nil }) else { return refusal(bytes) }
    return refusal(Spawn.runAndWait(tool, ["-c", "-f", path]))
  }

  private static func refusal(_ result: SpawnResult) -> String? {
    switch result.status {
    case .exited(0): return nil
    case .exited: return "visudo: " + CvtsudoersJSON.words(result.errors)
    case .signalled(let signal): return "visudo: killed by signal \(signal)"
    case .timedOut: return "visudo: no end within its time"
    case .failed(let error): return "\(error)"
    }
  }
}
