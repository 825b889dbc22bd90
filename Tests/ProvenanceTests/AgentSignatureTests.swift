import Glibc
import Grants
import Provenance
import Testing

@Suite struct AgentSignatureTests {
  private func findings(_ text: String) -> [String] {
    AgentSignatures.read([("a.conf", Array(text.utf8))]).findings.map(\.description)
  }

  @Test("The shipped files load without a finding")
  func shipped() throws {
    let parts = #filePath.split(separator: "/").dropLast(3)
    let folder = "/" + parts.joined(separator: "/") + "/etc/grantwatch/agents.d"
    var files: [(path: String, bytes: [UInt8])] = []
    let directory = try #require(opendir(folder))
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasSuffix(".conf"), let file = fopen("\(folder)/\(name)", "r") else { continue }
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 65536)
      bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
      files.append((name, bytes))
    }
    let (signatures, findings) = AgentSignatures.read(files)
    #expect(findings.isEmpty)
    #expect(
      Set(signatures.all.map(\.name)).isSuperset(of: [
        "claude-code", "codex", "gemini-cli", "metagpt", "aider", "openhands", "openclaw", "goose",
      ]))
    for signature in signatures.all { #expect(signature.vendor != nil) }
  }

  @Test("Of two files that give one name the later counts, and a warning says so")
  func sameName() {
    func file(_ path: String, _ program: String) -> (path: String, bytes: [UInt8]) {
      (path, Array("[Agent]\nName=x\n[Match]\nExecutable=\(program)\n".utf8))
    }
    let (signatures, findings) = AgentSignatures.read([
      file("/usr/a.conf", "*/one"), file("/etc/b.conf", "*/two"),
    ])
    #expect(signatures.all.map(\.executables) == [["*/two"]])
    #expect(
      findings.map(\.description) == [
        "/etc/b.conf:1: agent 'x' was described by another file; this one counts"
      ])
    #expect(findings.allSatisfy { !$0.isError })
  }

  @Test("What is wrong is said with its place and the nearest word")
  func faults() {
    #expect(
      findings("[Agent]\nName=x\n[Match]\nExecutible=*/x\nArgument=y\n") == [
        "a.conf:4: unknown key 'Executible', ignored; did you mean 'Executable'?"
      ])
    #expect(
      findings("[Agent]\nName=x\n[Matches]\n[Match]\nUser=x\n") == [
        "a.conf:3: unknown section [Matches], ignored; did you mean 'Match'?"
      ])
    #expect(
      findings("[Match]\nUser=x\n") == ["a.conf:1: section [Agent] has no 'Name='"])
    #expect(
      findings("[Agent]\nName=x\n") == [
        "a.conf:1: section [Match] is missing or empty: the agent is never found"
      ])
    #expect(
      findings("[Agent]\nName=x\n[Match]\nEnvironment==1 A=b\n") == [
        "a.conf:4: '=1' is not NAME or NAME=PATTERN"
      ])
    #expect(
      findings("[Agent]\nName=a b\n").first?.hasPrefix("a.conf:2: 'Name=' wants") == true)
  }

  @Test("A later file of the same name replaces an earlier one, an empty one removes it")
  func override() {
    let first = Array("[Agent]\nName=x\n[Match]\nUser=a\n".utf8)
    let second = Array("[Agent]\nName=x\n[Match]\nUser=b\n".utf8)
    let read = AgentSignatures.read([("/usr/lib/x.conf", first), ("/etc/x.conf", second)])
    #expect(read.findings.isEmpty)
    #expect(read.signatures.all.map(\.users) == [["b"]])
    #expect(
      AgentSignatures.read([("/usr/lib/x.conf", first), ("/etc/x.conf", [])]).signatures.all
        .isEmpty)
  }
}
