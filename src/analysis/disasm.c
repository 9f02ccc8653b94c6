/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/disasm.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

// The parts of each general register.
static const struct {
	enum x86_reg parts[5];
} registers[] = {
	{{X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH}},
	{{X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH}},
	{{X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH}},
	{{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH}},
	{{X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL, X86_REG_INVALID}},
	{{X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL, X86_REG_INVALID}},
	{{X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL, X86_REG_INVALID}},
	{{X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL, X86_REG_INVALID}},
	{{X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B, X86_REG_INVALID}},
	{{X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B, X86_REG_INVALID}},
	{{X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B, X86_REG_INVALID}},
	{{X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B, X86_REG_INVALID}},
	{{X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B, X86_REG_INVALID}},
	{{X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B, X86_REG_INVALID}},
	{{X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B, X86_REG_INVALID}},
	{{X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B, X86_REG_INVALID}},
	{{X86_REG_RIP, X86_REG_EIP, X86_REG_IP, X86_REG_INVALID, X86_REG_INVALID}},
};

static enum disasm_reg reg_of(unsigned int reg)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(registers) && reg != X86_REG_INVALID; i++) {
		for (size_t j = 0; j < EY_ARRAY_SIZE(registers[i].parts); j++) {
			if (registers[i].parts[j] == reg)
				return (enum disasm_reg)i;
		}
	}
	return DISASM_NO_REG;
}

static void read_writes(csh handle, const cs_insn *in, struct disasm_insn *out)
{
	cs_regs read, write;
	uint8_t read_count, write_count;

	if (cs_regs_access(handle, in, read, &read_count, write, &write_count) != CS_ERR_OK) {
		out->writes = UINT32_MAX;
		return;
	}
	for (uint8_t i = 0; i < write_count; i++) {
		enum disasm_reg reg = reg_of(write[i]);

		if (reg != DISASM_NO_REG)
			out->writes |= 1U << reg;
	}
}

static void read_memory(const cs_x86 *x86, struct disasm_insn *out)
{
	for (uint8_t i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];

		if (op->type != X86_OP_MEM)
			continue;
		// Of the two of a string instruction (movs) the first is where it writes.
		if (out->has_memory)
			return;
		out->has_memory = true;
		out->base = reg_of(op->mem.base);
		out->index = reg_of(op->mem.index);
		out->scale = (uint8_t)op->mem.scale;
		out->displacement = op->mem.disp;
		out->size = op->size;
		out->segment = op->mem.segment == X86_REG_GS   ? DISASM_SEGMENT_GS
			       : op->mem.segment == X86_REG_FS ? DISASM_SEGMENT_FS
							       : DISASM_SEGMENT_NONE;
	}
}

// What is put on the stack or taken off it, where that is all there is of memory.
static void read_stack_access(const cs_insn *in, struct disasm_insn *out)
{
	bool push = in->id == X86_INS_PUSH || in->id == X86_INS_CALL;

	if (out->has_memory || (!push && in->id != X86_INS_POP && in->id != X86_INS_RET))
		return;
	out->has_memory = true;
	out->base = DISASM_RSP;
	out->size = 8;
	out->displacement = push ? -8 : 0;
}

static bool is_load(unsigned int id)
{
	return id == X86_INS_MOV || id == X86_INS_MOVABS || id == X86_INS_MOVZX ||
	       id == X86_INS_MOVSX || id == X86_INS_MOVSXD;
}

static bool is_string(unsigned int id)
{
	switch (id) {
	case X86_INS_MOVSB:
	case X86_INS_MOVSW:
	case X86_INS_MOVSD:
	case X86_INS_MOVSQ:
	case X86_INS_STOSB:
	case X86_INS_STOSW:
	case X86_INS_STOSD:
	case X86_INS_STOSQ:
	case X86_INS_LODSB:
	case X86_INS_LODSQ:
	case X86_INS_SCASB:
	case X86_INS_CMPSB:
		return true;
	default:
		return false;
	}
}

// In Intel's order: the first operand is what is changed.
static void read_data(unsigned int id, const cs_x86 *x86, struct disasm_insn *out)
{
	const cs_x86_op *op = x86->operands;

	if (!x86->op_count || op[0].type != X86_OP_REG || reg_of(op[0].reg) == DISASM_NO_REG)
		return;
	out->dest = reg_of(op[0].reg);
	if (x86->op_count == 1 && (id == X86_INS_INC || id == X86_INS_DEC)) {
		out->kind = DISASM_ADD;
		out->constant = id == X86_INS_INC ? 1 : -1;
		return;
	}
	// Of div and the like: what it works on.
	if (x86->op_count == 1)
		out->source = out->dest;
	if (x86->op_count != 2)
		return;
	if (id == X86_INS_LEA) {
		out->kind = DISASM_LEA;
	} else if (is_load(id) && op[1].type == X86_OP_MEM) {
		out->kind = DISASM_LOAD;
	} else if (is_load(id) && op[1].type == X86_OP_REG) {
		out->source = reg_of(op[1].reg);
		out->kind = out->source != DISASM_NO_REG ? DISASM_MOVE : DISASM_OTHER;
	} else if (is_load(id) && op[1].type == X86_OP_IMM) {
		out->kind = DISASM_CONSTANT;
		out->constant = op[1].imm;
	} else if (id == X86_INS_XOR && op[1].type == X86_OP_REG && op[0].reg == op[1].reg) {
		out->kind = DISASM_CONSTANT;
	} else if ((id == X86_INS_ADD || id == X86_INS_SUB) && op[1].type == X86_OP_IMM) {
		out->kind = DISASM_ADD;
		out->constant = id == X86_INS_ADD ? op[1].imm : -op[1].imm;
	}
}

static void read_flow(csh handle, const cs_insn *in, struct disasm_insn *out)
{
	const cs_x86 *x86 = &in->detail->x86;

	if (cs_insn_group(handle, in, X86_GRP_CALL))
		out->kind = DISASM_CALL;
	else if (in->id == X86_INS_JMP || in->id == X86_INS_UD2 || in->id == X86_INS_UD0 ||
		 cs_insn_group(handle, in, X86_GRP_RET) || cs_insn_group(handle, in, X86_GRP_IRET))
		out->kind = DISASM_LEAVE;
	else if (cs_insn_group(handle, in, X86_GRP_JUMP))
		out->kind = DISASM_BRANCH;
	else
		return;
	if (x86->op_count != 1)
		return;
	if (x86->operands[0].type == X86_OP_IMM)
		out->target = (uint64_t)x86->operands[0].imm;
	else if (x86->operands[0].type == X86_OP_REG)
		out->target_reg = reg_of(x86->operands[0].reg);
}

static void read_details(csh handle, const cs_insn *in, struct disasm_insn *out)
{
	out->address = in->address;
	out->len = (uint8_t)in->size;
	out->dest = out->source = out->base = out->index = out->target_reg = DISASM_NO_REG;
	read_writes(handle, in, out);
	read_memory(&in->detail->x86, out);
	out->is_string = is_string(in->id);
	read_stack_access(in, out);
	read_data(in->id, &in->detail->x86, out);
	read_flow(handle, in, out);
}

// A negative immediate as gdb shows it, in the bits that the instruction takes. Returns how many
// characters of @p p it was.
static size_t add_immediate(const char *p, char suffix, char *to, size_t room)
{
	char *end;
	uint64_t value = -strtoull(p, &end, 0);

	if (suffix == 'l')
		value &= UINT32_MAX;
	else if (suffix == 'w')
		value &= UINT16_MAX;
	else if (suffix == 'b')
		value &= UINT8_MAX;
	snprintf(to, room, "0x%" PRIx64, value);
	return (size_t)(end - p);
}

// A register as an operand of its own, not in brackets.
static bool has_register(const char *operands)
{
	int depth = 0;

	for (const char *p = operands; *p; p++) {
		depth += (*p == '(') - (*p == ')');
		if (*p == '%' && !depth && p[3] != ':')
			return true;
	}
	return false;
}

// As gdb, and so crash, writes it: "mov    0x8(%rax,%rcx,8),%rdi". capstone puts spaces behind
// commas, leaves the 0x off numbers of one digit, and a suffix where a register tells the size.
static void write_text(const char *intel, const cs_insn *in, struct disasm_insn *out)
{
	static const char *const plain[] = {"call", "ret", "push", "pop", "jmp", "leave"};
	char *to = out->text, *end = out->text + sizeof(out->text) - 24;
	size_t len = strlen(in->mnemonic);
	char suffix = len ? in->mnemonic[len - 1] : 0, before = 0;
	bool in_brackets = false, needless = has_register(in->op_str);

	for (size_t i = 0; i < EY_ARRAY_SIZE(plain); i++)
		needless |= !strcmp(intel, plain[i]);
	if (needless && len == strlen(intel) + 1 && !strncmp(intel, in->mnemonic, len - 1))
		len--;
	to += snprintf(to, sizeof(out->text) - 24, in->op_str[0] ? "%-6.*s " : "%.*s", (int)len,
		       in->mnemonic);
	for (const char *p = in->op_str; *p && to < end; before = *p++) {
		if (*p == ' ' && before == ',')
			continue;
		if (*p == '(' || *p == ')')
			in_brackets = *p == '(';
		if (*p == '-' && before == '$') {
			p += add_immediate(p + 1, suffix, to, 24);
			to += strlen(to);
			continue;
		}
		bool alone = *p >= '0' && *p <= '9' && !in_brackets &&
			     (!before || strchr("$,-*: ", before)) && (!p[1] || strchr("(,", p[1]));
		if (alone) {
			*to++ = '0';
			*to++ = 'x';
		}
		*to++ = *p;
	}
	*to = '\0';
}

struct handles {
	csh intel, att;
	cs_insn *insn;
	bool open_intel, open_att;
};

static void handles_close(struct handles *h)
{
	if (h->insn)
		cs_free(h->insn, 1);
	if (h->open_intel)
		cs_close(&h->intel);
	if (h->open_att)
		cs_close(&h->att);
}

static bool handles_open(struct handles *h)
{
	h->open_intel = cs_open(CS_ARCH_X86, CS_MODE_64, &h->intel) == CS_ERR_OK;
	h->open_att = cs_open(CS_ARCH_X86, CS_MODE_64, &h->att) == CS_ERR_OK;
	if (!h->open_intel || !h->open_att ||
	    cs_option(h->intel, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK ||
	    cs_option(h->att, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT) != CS_ERR_OK)
		return false;
	h->insn = cs_malloc(h->intel);
	return h->insn != NULL;
}

struct ey_error *disasm_run(const uint8_t *code, size_t len, uint64_t address,
			    struct disasm_insn **ret, size_t *count_ret)
{
	_cleanup_(handles_close) struct handles h = {0};
	_cleanup_free_ struct disasm_insn *list = NULL;
	size_t count = 0, room = 0;

	*ret = NULL;
	*count_ret = 0;
	if (!handles_open(&h))
		return &ey_error_nomem;
	while (len) {
		const uint8_t *at = code;
		size_t left = len;
		uint64_t where = address;

		if (count == room) {
			room = room ? 2 * room : 64;
			struct disasm_insn *more = reallocarray(list, room, sizeof(*list));

			if (!more)
				return &ey_error_nomem;
			list = more;
		}
		struct disasm_insn *out = &list[count];
		*out = (struct disasm_insn){0};
		if (!cs_disasm_iter(h.intel, &code, &len, &address, h.insn))
			break;
		read_details(h.intel, h.insn, out);
		cs_insn *att;
		if (cs_disasm(h.att, at, left, where, 1, &att) == 1) {
			write_text(h.insn->mnemonic, att, out);
			cs_free(att, 1);
		}
		count++;
	}
	*ret = no_cleanup_ptr(list);
	*count_ret = count;
	return NULL;
}
