"""Normalisation to length one."""

from closedform.notation import Claim, Derivation, Dim, Given, Let, delta, indices, partial, scalar, sqrt, summation, tensor

D = Dim("d")
i, j, k = indices("i j k", D)

x, u, r = tensor("x", D), tensor("u", D), scalar("r")

derivation = Derivation(
    name="l2_normalise",
    title="Normalisation to length one",
    about=(
        "A vector other than zero, divided by its Euclidean norm. The Jacobian projects on the tangent space of the sphere: "
        "it maps x to zero."
    ),
    source="torch.nn.functional.normalize, for vectors that are longer than its eps",
    given=(Given(x, "vector"),),
    lets=(
        Let(r, sqrt(summation(x[k] ** 2, k)), "norm"),
        Let(u[i], x[i] / r, "direction"),
    ),
    output=u,
    wrt=(x,),
    curved=True,
    claims=(
        Claim("length", summation(u[k] ** 2, k), 1, title="the result has length one"),
        Claim("jacobian", partial(u[i], x[j]), (delta(i, j) - u[i] * u[j]) / r, title="the projection I - u u', over the norm"),
        Claim("radial", summation(partial(u[i], x[j]) * x[j], j), 0, title="scaling x changes nothing"),
    ),
)
