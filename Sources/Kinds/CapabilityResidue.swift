internal import ByteText
package import LinuxKit

/// Who still has capabilities that were taken back from an executable: what the kernel gave at
/// execve(2) stays with the process; see capabilities(7).
package enum CapabilityResidue {
  /// An executable by what people call it, and what was taken back from it.
  package struct Executable: Sendable {
    package var name: String
    package var capabilities: FileCapabilities

    package init(name: String, capabilities: FileCapabilities) {
      self.name = name
      self.capabilities = capabilities
    }
  }

  /// Those who run one of `files`, as lines: `process 4711 (ping) still runs /srv/ping with
  /// cap_net_raw`. Root has all capabilities without the file, and what a parent handed on as ambient
  /// ones is not the file's. Who started another program since has them no more.
  package static func residue(
    of files: [FileResidue.File: Executable], processes: ProcessFiles = ProcessFiles()
  ) -> [Residue] {
    var found: [String: ProcessResidue] = [:]
    for pid in processes.processes() where pid != ThisProcess.pid {
      guard let program = processes.program(pid),
        let file = files[FileResidue.File(device: program.device, inode: program.inode)],
        let who = processes.credentials(pid), !who.uids.contains(0),
        let held = processes.capabilities(pid)
      else { continue }
      let still = FileCapabilities(permitted: held & file.capabilities.permitted)
      guard !still.isEmpty else { continue }
      let words = "still runs \(file.name) with \(still.permittedNames)"
      found[words, default: ProcessResidue(words, processes)].add(pid)
    }
    return found.sorted { $0.key < $1.key }.flatMap(\.value.residue)
  }
}
