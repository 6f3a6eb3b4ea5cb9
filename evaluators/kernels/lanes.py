"""A vector of 32 lanes, one a resample, as a value inside kernels: kept in SIMD registers, no loop to vectorise.

`load(table, row)` reads a row of 32 (uint8 widens to uint32), `store` writes one; `+ - * /`, `fewer`, `zeros` and casts work
lane by lane. Scalars spread over all lanes. Only for use in compiled code.
"""

import math
import operator

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 32


class Lanes(types.Type):
    """32 lanes of one scalar type."""

    def __init__(self, scalar):
        self.scalar = scalar
        super().__init__(name=f"Lanes({scalar})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        element = ir.DoubleType() if fe_type.scalar == types.float64 else ir.IntType(fe_type.scalar.bitwidth)
        super().__init__(dmm, fe_type, ir.VectorType(element, WIDTH))


U4, U8, F8 = Lanes(types.uint32), Lanes(types.uint64), Lanes(types.float64)


def _spread(builder, scalar, vector):
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), mask)


def _pointer(context, builder, array_type, array, row, vector):
    data = context.make_array(array_type)(context, builder, array).data
    base = builder.bitcast(data, vector.as_pointer())
    return builder.gep(base, [row])


@intrinsic
def load(typingctx, table, row):
    """The row of a C-contiguous table (rows, 32) of uint8 (as uint32), uint32, uint64 or float64."""
    stored = table.dtype
    result = Lanes(types.uint32 if stored == types.uint8 else stored)

    def codegen(context, builder, signature, args):
        element = context.get_data_type(stored)
        vector = ir.VectorType(element, WIDTH)
        value = builder.load(_pointer(context, builder, table, args[0], args[1], vector))
        value.align = max(element.width // 8 if isinstance(element, ir.IntType) else 8, 1)
        return builder.zext(value, context.get_value_type(result)) if stored == types.uint8 else value

    return result(table, types.int64), codegen


@intrinsic
def store(typingctx, table, row, value):
    """Write the lanes to a row of a table (rows, 32) of their type."""

    def codegen(context, builder, signature, args):
        vector = context.get_value_type(value)
        written = builder.store(args[2], _pointer(context, builder, table, args[0], args[1], vector))
        written.align = value.scalar.bitwidth // 8
        return context.get_dummy_value()

    return types.void(table, types.int64, value), codegen


def _zeros(kind):
    @intrinsic
    def zeros(typingctx):
        def codegen(context, builder, signature, args):
            return ir.Constant(context.get_value_type(kind), None)

        return kind(), codegen

    return zeros


zeros_u4, zeros_u8, zeros_f8 = _zeros(U4), _zeros(U8), _zeros(F8)


@intrinsic
def f8(typingctx, value):
    """Unsigned lanes as float64."""

    def codegen(context, builder, signature, args):
        return builder.uitofp(args[0], context.get_value_type(F8))

    return F8(value), codegen


@intrinsic
def u8(typingctx, value):
    """uint32 lanes as uint64."""

    def codegen(context, builder, signature, args):
        return builder.zext(args[0], context.get_value_type(U8))

    return U8(value), codegen


@intrinsic
def spread(typingctx, number):
    """A float64 in all lanes."""

    def codegen(context, builder, signature, args):
        return _spread(builder, args[0], context.get_value_type(F8))

    return F8(types.float64), codegen


def _constant(number: float):
    return ir.Constant(ir.VectorType(ir.DoubleType(), WIDTH), [ir.Constant(ir.DoubleType(), number)] * WIDTH)


LN2_HIGH, LN2_LOW, ROUND = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 6755399441055744.0


@intrinsic
def exp(typingctx, value):
    """e to the power of each lane, |lane| below 700: reduced by powers of 2, a Taylor series of degree 13 for the rest."""

    def codegen(context, builder, signature, args):
        (x,) = args
        integers = ir.VectorType(ir.IntType(64), WIDTH)
        shifted = builder.fadd(builder.fmul(x, _constant(1 / math.log(2))), _constant(ROUND))
        power = builder.fsub(shifted, _constant(ROUND))
        rest = builder.fsub(x, builder.fmul(power, _constant(LN2_HIGH)))
        rest = builder.fsub(rest, builder.fmul(power, _constant(LN2_LOW)))
        total = _constant(1 / math.factorial(13))
        for k in range(12, -1, -1):
            total = builder.fadd(builder.fmul(total, rest), _constant(1 / math.factorial(k)))
        bits = builder.shl(builder.bitcast(shifted, integers), ir.Constant(integers, [52] * WIDTH))
        return builder.bitcast(builder.add(builder.bitcast(total, integers), bits), context.get_value_type(F8))

    return F8(value), codegen


@intrinsic
def pick(typingctx, a, b, yes, no):
    """Lane by lane: `yes` where a <= b, else `no`."""

    def codegen(context, builder, signature, args):
        if a.scalar == types.float64:
            return builder.select(builder.fcmp_ordered("<=", args[0], args[1]), args[2], args[3])
        return builder.select(builder.icmp_unsigned("<=", args[0], args[1]), args[2], args[3])

    return yes(a, b, yes, no), codegen


def _binary(operation, integer: str, floating: str):
    @intrinsic
    def lanewise(typingctx, a, b):
        kind = a if isinstance(a, Lanes) else b

        def codegen(context, builder, signature, args):
            vector = context.get_value_type(kind)
            left, right = (
                value if isinstance(was, Lanes) else _spread(builder, value, vector)
                for was, value in zip((a, b), args, strict=True)
            )
            return getattr(builder, floating if kind.scalar == types.float64 else integer)(left, right)

        return kind(*(x if isinstance(x, Lanes) else kind.scalar for x in (a, b))), codegen

    @overload(operation, inline="always")
    def choose(a, b):
        if isinstance(a, Lanes) or isinstance(b, Lanes):
            return lambda a, b: lanewise(a, b)
        return None

    return lanewise


_binary(operator.add, "add", "fadd")
_binary(operator.sub, "sub", "fsub")
_binary(operator.mul, "mul", "fmul")
_binary(operator.truediv, "udiv", "fdiv")
_binary(operator.iadd, "add", "fadd")
_binary(operator.isub, "sub", "fsub")
_binary(operator.imul, "mul", "fmul")
