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
    let files = try AgentSignatures.shippedFiles()
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

  @Test("An admin's file may only declare an agent, and only an admin's may")
  func provisioned() {
    let vendor = AgentSignatures.vendorFolder
    let match = Array("[Agent]\nName=x\n[Match]\nExecutable=*/x\n".utf8)
    let says = Array("[Agent]\nName=x\nProvisioned=yes\n".utf8)
    var read = AgentSignatures.read([("\(vendor)/x.conf", match), ("/etc/a/own.conf", says)])
    #expect(read.findings.isEmpty)
    #expect(read.signatures.all.map(\.isProvisioned) == [true])
    #expect(read.signatures.all.map(\.isAdmins) == [false])
    #expect(read.signatures.all.map(\.executables) == [["*/x"]])
    read = AgentSignatures.read([("/etc/a/own.conf", says)])
    #expect(
      read.findings.map(\.description) == [
        "/etc/a/own.conf:1: no other file describes agent 'x', and this one has no [Match]"
      ])
    read = AgentSignatures.read([("\(vendor)/x.conf", match + says)])
    #expect(read.signatures.all.map(\.isProvisioned) == [false])
    #expect(read.findings.count == 1)
  }

  @Test("Bad values of the newer keys are said")
  func newerKeys() {
    #expect(
      findings("[Agent]\nName=x\nType=tool\nProvisioned=perhaps\n[Match]\nTogether=A=1\nUser=y\n")
        == [
          "a.conf:3: 'Type=' is agent or model-runner", "a.conf:4: 'Provisioned=' is yes or no",
          "a.conf:6: 'Together=' wants two or more of NAME or NAME=PATTERN",
        ])
  }

  @Test("A control group declares an agent")
  func controlGroup() throws {
    let host = try MadeProc(
      AgentSignatures.read([
        ("/etc/x.conf", Array("[Agent]\nName=x\n[Match]\nCgroup=/work.slice/*\n".utf8))
      ]).signatures)
    host.put(70, parent: 1, "/bin/sh", uid: 1000, start: 30, group: "/work.slice/a/b")
    host.put(71, parent: 1, "/bin/sh", uid: 1000, start: 30, group: "/other.slice/work.slice/a")
    host.table.start(.fed)
    #expect(host.judge(70).agent?.name == "x")
    #expect(host.judge(70).confidence == .strong)
    #expect(host.judge(71).agent == nil)
  }
}
