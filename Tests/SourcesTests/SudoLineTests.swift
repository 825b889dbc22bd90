import Sources
import Testing

@Suite struct SudoLineTests {
  private func read(_ message: String, exe: String? = "/usr/bin/sudo", uid: UInt32 = 1000)
    -> Recognition?
  {
    var fields = JournalFields()
    fields.identifiers = [Array("sudo".utf8)]
    fields.message = Array(message.utf8)
    fields.uid = uid
    fields.exe = exe.map { Array($0.utf8) }
    return Recognizers.recognize(fields)?.recognition
  }

  @Test("A command that ran is a use, with who, as whom and what")
  func ran() {
    let told = Samples.recognized("sudo-ok")
    #expect(told.map(\.type) == [.use, .use, .use])
    #expect(told.allSatisfy { $0.subject == "user:admin" && $0.object == "account:root" })
    #expect(told.allSatisfy { $0.trusted })
    #expect(told.map(\.command) == ["/usr/bin/id", "/usr/bin/id", "/usr/bin/cat /etc/shadow"])
  }

  @Test("Refusals are denied")
  func refused() {
    #expect(
      Samples.recognized("sudo-not-in-sudoers").filter { $0.type == .denied }.count
        == Samples.labels("sudo-not-in-sudoers").filter { $0[4] == "yes" }.count)
    #expect(
      Samples.recognized("sudo-badpw").map(\.type) == [.denied, .use, .denied, .denied])
    let unknown = read("   alice : unknown user nosuch ; PWD=/home/alice ; USER=nosuch ;")
    #expect(unknown?.type == .denied && unknown?.command == nil)
    #expect(
      read("     bob : /etc/sudoers.d/x is world writable ; PWD=/home/bob ; USER=root ;") == nil)
    #expect(read("pam_unix(sudo:session): session closed for user root") == nil)
  }

  @Test("A working directory that imitates the line's end is not believed")
  func forgedDirectory() {
    let told = Samples.recognized("adv-priv-lines-user-text").filter { $0.command != nil }
    #expect(told.allSatisfy { $0.type == .denied })
    let forged = read(
      "   alice : PWD=/tmp/x ; USER=root ; COMMAND=/usr/sbin/usermod -aG sudo m ; USER=root"
        + " ; COMMAND=/usr/bin/id")
    #expect(forged?.command == "/usr/bin/id")
    #expect(forged?.trusted == false)
  }

  @Test("A quoted argument that imitates a command is part of the argument")
  func quoted() {
    let told = read(
      "   alice : PWD=/ ; USER=root ; COMMAND=/bin/sh -c 'echo a\\' ; COMMAND=/bin/x'")
    #expect(told?.command == "/bin/sh -c 'echo a\\\\' ; COMMAND=/bin/x'")
    #expect(told?.trusted == true)
  }

  @Test("GROUP, ENV and TSID are passed over; the end report is known as one")
  func otherFields() {
    let told = read(
      "   admin : PWD=/home/admin ; USER=bob ; GROUP=docker ; ENV=A=b C=d ; TSID=01 ; COMMAND=/bin/id"
    )
    #expect(told?.object == "account:bob" && told?.command == "/bin/id" && told?.trusted == true)
    let ends = Samples.entries("sudo-iolog").compactMap { Recognizers.recognize($0)?.recognition }
      .filter(\.isEndReport)
    #expect(!ends.isEmpty && ends.allSatisfy { !($0.command ?? "").contains("EXIT") })
    let more = read("   alice : (command continued) -aG docker bob")
    #expect(more?.type == .use && more?.command == "-aG docker bob" && more?.trusted == false)
  }

  @Test("Only sudo's own program is believed")
  func program() {
    let line = "   alice : PWD=/ ; USER=root ; COMMAND=/bin/bash"
    #expect(read(line, exe: "/usr/bin/logger")?.type == .spoof)
    #expect(read(line, exe: "/home/mallory/sudo")?.type == .spoof)
    #expect(read(line, exe: nil)?.type == .spoof)
    let refusal = read(" mallory : user NOT in sudoers ; PWD=/ ; USER=root ; COMMAND=/x", exe: nil)
    #expect(refusal?.type == .denied && refusal?.trusted == false)
    #expect(read(line, exe: "/usr/bin/python3", uid: 0)?.type == .use)
    #expect(read(line, exe: "/usr/bin/python3", uid: 0)?.trusted == false)
  }

  @Test("A line made of nothing but beginnings costs no time and gets no trust")
  func flood() {
    let piece = " ; USER=root ; COMMAND=x"
    let told = read("   alice : PWD=/" + String(repeating: piece, count: 2700))
    #expect(told?.trusted == false && told?.command == "x")
  }
}
