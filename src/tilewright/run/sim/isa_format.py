"""Instruction formats: where the operands of an instruction word are, and how assembly writes them.

A format is a line of text: operands with the C expression that reads them from the word ``w``,
then a bar, then the assembly syntax. Registers are ``r<lowest bit>`` (``q<bit>``: the three-bit
registers of RV32C, ``f...`` and ``d...``: single and double precision), so that the generator
knows what an operand is.
Source: RISC-V unprivileged ISA 20191213, sections 2.2, 11 and 16.2; RI5CY user manual.
"""

from dataclasses import dataclass

FORMATS_TEXT = """
R      rd=r7 rs1=r15 rs2=r20                          | rd, rs1, rs2
R1     rd=r7 rs1=r15                                  | rd, rs1
RI     rd=r7 rs1=r15 field=(int)bits(w,24,20)         | rd, rs1, field
RII    rd=r7 rs1=r15 field=(int)bits(w,24,20) imm=(int)bits(w,29,25) | rd, rs1, imm, field
RRI    rd=r7 rs1=r15 rs2=r20 imm=(int)bits(w,29,25)   | rd, rs1, rs2, imm
VS     rd=r7 rs1=r15 field=sext(vector_imm(w),6)      | rd, rs1, field
VU     rd=r7 rs1=r15 field=(int)vector_imm(w)         | rd, rs1, field
I      rd=r7 rs1=r15 imm=imm_i(w)                     | rd, rs1, imm
IS     rd=r7 rs1=r15 imm=(int)bits(w,24,20)           | rd, rs1, imm
IJ     rd=r7 rs1=r15 imm=imm_i(w)                     | rd, imm(rs1)
L      rd=r7 rs1=r15 imm=imm_i(w)                     | rd, imm(rs1)
LPOST  rd=r7 rs1=r15 imm=imm_i(w)                     | rd, imm(rs1!)
LRR    rd=r7 rs1=r15 rs2=r20                          | rd, rs2(rs1)
LRPOST rd=r7 rs1=r15 rs2=r20                          | rd, rs2(rs1!)
S      rs1=r15 rs2=r20 imm=imm_s(w)                   | rs2, imm(rs1)
SPOST  rs1=r15 rs2=r20 imm=imm_s(w)                   | rs2, imm(rs1!)
SRR    rs1=r15 rs2=r20 rs3=r7                         | rs2, rs3(rs1)
SRPOST rs1=r15 rs2=r20 rs3=r7                         | rs2, rs3(rs1!)
B      rs1=r15 rs2=r20 imm=imm_b(w)                   | rs1, rs2, @imm
BI     rs1=r15 field=sext(bits(w,24,20),5) imm=imm_b(w) | rs1, field, @imm
U      rd=r7 imm=(int32_t)(w&0xfffff000u)             | rd, imm
UPC    rd=r7 imm=(int32_t)((w&0xfffff000u)+pc)        | rd, imm
J      rd=r7 imm=imm_j(w)                             | rd, @imm
N                                                     |
CSR    rd=r7 rs1=r15 imm=(int)bits(w,31,20)           | rd, imm, rs1
CSRI   rd=r7 field=(int)bits(w,19,15) imm=(int)bits(w,31,20) | rd, imm, field
A      rd=r7 rs1=r15 rs2=r20                          | rd, rs2, (rs1)
HI     loop=bits(w,7,7) imm=(int)bits(w,31,20)        | loop, imm
HR     loop=bits(w,7,7) rs1=r15                       | loop, rs1
HRI    loop=bits(w,7,7) rs1=r15 imm=(int)bits(w,31,20) | loop, rs1, imm
HII    loop=bits(w,7,7) field=(int)bits(w,19,15) imm=(int)bits(w,31,20) | loop, imm, field
FL     rd=f7 rs1=r15 imm=imm_i(w)                     | rd, imm(rs1)
FS     rs1=r15 rs2=f20 imm=imm_s(w)                   | rs2, imm(rs1)
FR4    rd=f7 rs1=f15 rs2=f20 rs3=f27 imm=(int)bits(w,14,12) | rd, rs1, rs2, rs3
FR     rd=f7 rs1=f15 rs2=f20 imm=(int)bits(w,14,12)   | rd, rs1, rs2
FR1    rd=f7 rs1=f15 imm=(int)bits(w,14,12)           | rd, rs1
FRC    rd=r7 rs1=f15 rs2=f20                          | rd, rs1, rs2
FRX    rd=r7 rs1=f15 imm=(int)bits(w,14,12)           | rd, rs1
FXR    rd=f7 rs1=r15 imm=(int)bits(w,14,12)           | rd, rs1
DL     rd=d7 rs1=r15 imm=imm_i(w)                     | rd, imm(rs1)
DS     rs1=r15 rs2=d20 imm=imm_s(w)                   | rs2, imm(rs1)
DR4    rd=d7 rs1=d15 rs2=d20 rs3=d27 imm=(int)bits(w,14,12) | rd, rs1, rs2, rs3
DR     rd=d7 rs1=d15 rs2=d20 imm=(int)bits(w,14,12)   | rd, rs1, rs2
DR1    rd=d7 rs1=d15 imm=(int)bits(w,14,12)           | rd, rs1
DRC    rd=r7 rs1=d15 rs2=d20                          | rd, rs1, rs2
DRX    rd=r7 rs1=d15 imm=(int)bits(w,14,12)           | rd, rs1
DXR    rd=d7 rs1=r15 imm=(int)bits(w,14,12)           | rd, rs1
DFD    rd=f7 rs1=d15 imm=(int)bits(w,14,12)           | rd, rs1
DDF    rd=d7 rs1=f15 imm=(int)bits(w,14,12)           | rd, rs1
SR     rd=r7 imm=(int)bits(w,31,20)                   | rd, imm
SW     rs1=r15 imm=(int)bits(w,31,20)                 | rs1, imm
SRR2   rd=r7 rs2=r20                                  | rd, rs2
SWR    rs1=r15 rs2=r20                                | rs1, rs2
FREP   rs1=r15 imm=(int)bits(w,31,20) field=(int)frep_stagger(w)   | rs1, imm, field
DM1    rs1=r15                                        | rs1
DM2    rs1=r15 rs2=r20                                | rs1, rs2
DMI    rd=r7 field=(int)bits(w,24,20)                 | rd, field
DMR    rd=r7 rs2=r20                                  | rd, rs2
CIW    rd=q2 rs1=#2 imm=imm_ciw(w) legal=imm_ciw(w)!=0 | rd, rs1, imm
CL     rd=q2 rs1=q7 imm=imm_cl(w)                     | rd, imm(rs1)
CS     rs1=q7 rs2=q2 imm=imm_cl(w)                    | rs2, imm(rs1)
FCL    rd=g2 rs1=q7 imm=imm_cl(w)                     | rd, imm(rs1)
FCS    rs1=q7 rs2=g2 imm=imm_cl(w)                    | rs2, imm(rs1)
CI     rd=r7 rs1=r7 imm=imm_ci(w)                     | rd, imm
CLI    rd=r7 imm=imm_ci(w)                            | rd, imm
CIS    rd=r7 rs1=r7 imm=imm_ci(w)&31                  | rd, imm
CLUI   rd=r7 imm=(int32_t)((uint32_t)imm_ci(w)<<12) legal=imm_ci(w)!=0 | rd, imm
CSP    rd=#2 rs1=#2 imm=imm_csp(w) legal=imm_csp(w)!=0 | rd, imm
CBS    rd=q7 rs1=q7 imm=imm_ci(w)&31                  | rd, imm
CBA    rd=q7 rs1=q7 imm=imm_ci(w)                     | rd, imm
CA     rd=q7 rs1=q7 rs2=q2                            | rd, rs2
CJ     imm=imm_cj(w)                                  | @imm
CJAL   rd=#1 imm=imm_cj(w)                            | @imm
CB     rs1=q7 imm=imm_cb(w)                           | rs1, @imm
CLSP   rd=r7 rs1=#2 imm=imm_clsp(w) legal=bits(w,11,7)!=0 | rd, imm(rs1)
CSSP   rs1=#2 rs2=r2 imm=imm_cssp(w)                  | rs2, imm(rs1)
FCLSP  rd=f7 rs1=#2 imm=imm_clsp(w)                   | rd, imm(rs1)
FCSSP  rs1=#2 rs2=f2 imm=imm_cssp(w)                  | rs2, imm(rs1)
CJR    rs1=r7 legal=bits(w,11,7)!=0                   | rs1
CJALR  rd=#1 rs1=r7                                   | rs1
CMV    rd=r7 rs2=r2                                   | rd, rs2
CADD   rd=r7 rs1=r7 rs2=r2                            | rd, rs2
CN                                                    |
"""


@dataclass(frozen=True, slots=True)
class Format:
    """Operands of one format. Registers and immediates map to what reads them from the word."""

    operands: dict[str, str]
    syntax: str

    def kind(self, operand: str) -> str:
        """r, f or d: in which registers the operand is; empty where there is none."""
        where = self.operands.get(operand, "")
        return {"q": "r", "g": "f", "#": "r"}.get(where[:1], where[:1])

    def register(self, operand: str) -> str:
        """C expression of the register's number; floating-point registers start at 64."""
        where = self.operands[operand]
        kind, bit = where[0], int(where[1:])
        match kind:
            case "r":
                return f"bits(w, {bit + 4}, {bit})"
            case "f" | "d":
                return f"64 + bits(w, {bit + 4}, {bit})"
            case "q":
                return f"8 + bits(w, {bit + 2}, {bit})"
            case "g":
                return f"72 + bits(w, {bit + 2}, {bit})"
            case _:
                return str(bit)


def read_formats() -> dict[str, Format]:
    """Name to format, in the order of the table."""
    table: dict[str, Format] = {}
    for line in FORMATS_TEXT.strip().splitlines():
        left, _, syntax = line.partition("|")
        name, *operands = left.split()
        split = [operand.partition("=") for operand in operands]
        table[name] = Format({key: where for key, _, where in split}, syntax.strip())
    return table
